import type { RunnableCommand } from '../../../command.ts';
import { addChartedSteps } from '../../../flags/chart.ts';

export const command: RunnableCommand = {
  description: 'how the errors of predictions are distributed, by plan and transport',
  declare: addChartedSteps,
  load: () => import('./run.ts'),
};

import type { RunnableCommand } from '../../../command.ts';
import { addChartedSteps } from '../../../flags/chart.ts';

export const command: RunnableCommand = {
  description: 'step times of datasets: a panel for each place and transport, plans by colour',
  declare: addChartedSteps,
  load: () => import('./run.ts'),
};

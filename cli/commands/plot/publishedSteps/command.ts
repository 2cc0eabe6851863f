import type { RunnableCommand } from '../../../command.ts';
import { addChartFile } from '../../../flags/chart.ts';

export const command: RunnableCommand = {
  description: 'step times that others have published beside their predictions, cards by colour',
  declare: (command) => addChartFile(command),
  load: () => import('./run.ts'),
};

import type { RunnableCommand } from '../../../command.ts';
import { addChartFile } from '../../../flags/chart.ts';

export const command: RunnableCommand = {
  description: 'what a fit leaves unexplained: the error of every reading of a calibration, by stage',
  declare: (command) => addChartFile(command.argument('<file>', 'calibration, as `chunkflow fit` takes it')),
  load: () => import('./run.ts'),
};

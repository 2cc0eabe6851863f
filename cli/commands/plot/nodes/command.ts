import type { RunnableCommand } from '../../../command.ts';
import { addChartFile } from '../../../flags/chart.ts';

export const command: RunnableCommand = {
  description: 'nodes of one kind beside each other, a line for each quantity: which one stands out',
  declare: (command) =>
    addChartFile(
      command.argument(
        '<files...>',
        'calibrations, datasets of steps, or folders, as `chunkflow nodes` takes them',
      ),
    ),
  load: () => import('./run.ts'),
};

import type { RunnableCommand } from '../../../command.ts';
import { addChartFile, type ChartFlags } from '../../../flags/chart.ts';

export interface PlotErrorsFlags extends ChartFlags {
  machine?: string;
}

export const command: RunnableCommand = {
  description: 'how the errors of predictions are distributed, by plan and transport',
  declare: (command) =>
    addChartFile(
      command
        .argument('<dataset...>', 'JSON Lines of `chunkflow experiment collect`')
        .option('--machine <name|file>', "predicts, such as a fitted one (default: each cell's own)"),
    ),
  load: () => import('./run.ts'),
};

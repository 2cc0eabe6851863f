import type { RunnableCommand } from '../../../command.ts';
import { addChartFile, type ChartFlags } from '../../../flags/chart.ts';

export interface PredictedVsMeasuredFlags extends ChartFlags {
  machine?: string;
}

export const command: RunnableCommand = {
  description: 'step times of datasets: a panel for each place and transport, plans by colour',
  declare: (command) =>
    addChartFile(
      command
        .argument('<dataset...>', 'JSON Lines of `chunkflow experiment collect`')
        .option('--machine <name|file>', "predicts, such as a fitted one (default: each cell's own)"),
    ),
  load: () => import('./run.ts'),
};

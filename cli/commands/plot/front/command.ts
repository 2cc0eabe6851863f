import type { RunnableCommand } from '../../../command.ts';
import { addChartFile, type ChartFlags } from '../../../flags/chart.ts';
import { launchModeOption } from '../../../flags/experiment.ts';

export interface PlotFrontFlags extends ChartFlags {
  cell: string;
  mode: 'eager' | 'graph';
  machine?: string;
}

export const command: RunnableCommand = {
  description:
    'step time against GPU memory: choices of a cell, measured and predicted, among its other plans',
  declare: (command) =>
    addChartFile(
      command
        .argument('<file>', 'experiment whose cells have choices')
        .argument('<dataset...>', 'JSON Lines of `chunkflow experiment collect`')
        .requiredOption('--cell <id>', 'of the experiment: see `experiment list`')
        .option('--machine <name|file>', "predicts, such as a fitted one (default: the cell's own)")
        .addOption(launchModeOption(['eager', 'graph'])),
    ),
  load: () => import('./run.ts'),
};

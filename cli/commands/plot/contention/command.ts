import type { RunnableCommand } from '../../../command.ts';
import { addChartFile, type ChartFlags } from '../../../flags/chart.ts';

export interface PlotContentionFlags extends ChartFlags {
  machine?: string;
}

export const command: RunnableCommand = {
  description: 'rates of copies and collectives beside each other: readings of a calibration, and the law',
  declare: (command) =>
    addChartFile(
      command
        .argument('<file>', 'calibration, as `chunkflow fit` takes it')
        .option('--machine <name|file>', "predicts, such as a fitted one (default: the calibration's own)"),
    ),
  load: () => import('./run.ts'),
};

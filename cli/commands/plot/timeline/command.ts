import { InvalidArgumentError } from 'commander';
import type { RunnableCommand } from '../../../command.ts';
import { addChartFile, type ChartFlags } from '../../../flags/chart.ts';

export interface PlotTimelineFlags extends ChartFlags {
  machine?: string;
  block: number;
}

function position(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 0.');
}

export const command: RunnableCommand = {
  description: 'one block, predicted above measured on one time axis',
  declare: (command) =>
    addChartFile(
      command
        .argument('<file>', 'from `chunkflow experiment timeline`')
        .option('--machine <name|file>', "predicts, such as a fitted one (default: the cell's own)")
        .option('--block <n>', 'position in the step, from 0', position, 1),
    ),
  load: () => import('./run.ts'),
};

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Output } from './output.ts';
import type { PlotFrontFlags } from './plotFront.ts';

/** Adds `plot` and what it draws; like every command, each loads its work only when it runs. */
export function addPlotCommands(program: Command, output: Output, status: { code: number }): void {
  const plot = program.command('plot').description('draw predictions beside measurements');
  plot
    .command('predicted-vs-measured')
    .description('step times of datasets: a panel for each place and transport, plans by colour')
    .argument('<dataset...>', 'JSON Lines of `chunkflow experiment collect`')
    .option('--machine <name|file>', "predicts, such as a fitted one (default: each cell's own)")
    .requiredOption('--out <file>', '.svg, .png, or .html with tooltips')
    .action(async (files: string[], flags: { machine?: string; out: string }) =>
      (await import('./plot.ts')).plotPredictedVsMeasured(files, flags, output),
    );
  plot
    .command('front')
    .description(
      'step time against GPU memory: choices of a cell, measured and predicted, among its other plans',
    )
    .argument('<file>', 'experiment whose cells have choices')
    .argument('<dataset...>', 'JSON Lines of `chunkflow experiment collect`')
    .requiredOption('--cell <id>', 'of the experiment: see `experiment list`')
    .option('--machine <name|file>', "predicts, such as a fitted one (default: the cell's own)")
    .addOption(
      new Option('--mode <mode>', 'steps that were launched so').choices(['eager', 'graph']).default('eager'),
    )
    .requiredOption('--out <file>', '.svg, .png, or .html with tooltips')
    .action(async (file: string, datasets: string[], flags: PlotFrontFlags) => {
      status.code = await (await import('./plotFront.ts')).plotFront(file, datasets, flags, output);
    });
  plot
    .command('timeline')
    .description('one block, predicted above measured on one time axis')
    .argument('<file>', 'from `chunkflow experiment timeline`')
    .option('--machine <name|file>', "predicts, such as a fitted one (default: the cell's own)")
    .option('--block <n>', 'position in the step, from 0', position, 1)
    .requiredOption('--out <file>', '.svg, .png, or .html with tooltips')
    .action(async (file: string, flags: { machine?: string; block: number; out: string }) =>
      (await import('./plot.ts')).plotTimeline(file, flags, output),
    );
}

function position(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a whole number from 0.');
}

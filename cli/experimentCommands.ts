import { type Command, Option } from 'commander';
import type { BuildFlags } from './build.ts';
import type { HeadlineFlags } from './headlines.ts';
import { addBuildOptions } from './options.ts';
import type { Output } from './output.ts';
import type { RegretFlags } from './regret.ts';

/** Adds `experiment` and what it does, `regret` and `headlines`; like every command, each loads its work only when it runs. */
export function addExperimentCommands(program: Command, output: Output, status: { code: number }): void {
  const experiment = program
    .command('experiment')
    .description('measure whole grids of steps, and make datasets of what was measured');
  experiment
    .command('list')
    .description('list the programs of an experiment')
    .argument('<file>', 'experiment, such as experiments/h200-steps/h200-steps.yaml')
    .option('--results <folder>', 'say how many plans of each are measured there')
    .action(async (file: string, flags: { results?: string }) =>
      (await import('./experiment.ts')).experimentList(file, flags, output),
    );
  addBuildOptions(
    experiment
      .command('run')
      .description('measure what the results lack; started anew, it goes on where it was')
      .argument('<file>', 'experiment')
      .requiredOption('--results <folder>', 'holds <cell>.jsonl for each program; records are appended')
      .option('--only <cell>', 'only this program; repeat for several', collect),
  ).action(async (file: string, flags: BuildFlags & { results: string; only?: string[] }) => {
    status.code = await (await import('./experiment.ts')).experimentRun(file, flags, output);
  });
  experiment
    .command('bundle')
    .description('pack the programs of an experiment for a machine that has no chunkflow')
    .argument('<file>', 'experiment')
    .requiredOption('--out <file|folder>', 'a .tar file, or a folder that does not exist yet')
    .option('--only <cell>', 'only this program; repeat for several', collect)
    .option('--with-headers', "take cudnn-frontend's headers along")
    .action(async (file: string, flags: { out: string; withHeaders?: boolean; only?: string[] }) =>
      (await import('./experiment.ts')).experimentBundle(file, flags, output),
    );
  experiment
    .command('collect')
    .description('make a dataset of raw results: a line for each cell, plan and mode')
    .argument('<file>', 'experiment')
    .requiredOption('--results <folder|file...>', 'what `experiment run` or measure.sh wrote')
    .requiredOption('--out <file>', 'JSON Lines')
    .action(async (file: string, flags: { results: string[]; out: string }) =>
      (await import('./experiment.ts')).experimentCollect(file, flags, output),
    );
  experiment
    .command('timeline')
    .description('take the timeline of one measured step out of raw results, for `chunkflow plot timeline`')
    .argument('<file>', 'experiment')
    .requiredOption('--results <folder|file...>', 'what `experiment run` or measure.sh wrote')
    .requiredOption('--cell <id>', 'of the experiment: see `experiment list`')
    .requiredOption('--plan <plan>', 'of the cell, such as yield,transport=staged-copy')
    .requiredOption('--out <file>', 'one JSON object')
    .action(async (file: string, flags: { results: string[]; cell: string; plan: string; out: string }) =>
      (await import('./experiment.ts')).experimentTimeline(file, flags, output),
    );
  experiment
    .command('parquet')
    .description('write datasets as one flat Parquet table')
    .argument('<file...>', 'datasets')
    .requiredOption('--out <file>', 'Parquet')
    .action(async (files: string[], flags: { out: string }) =>
      (await import('./experiment.ts')).experimentParquet(files, flags, output),
    );
  experiment
    .command('compare')
    .description('ratios of steps that two datasets measured of the same plans in the same cells')
    .argument('<first>', 'dataset, such as one with a mirrored peer')
    .argument('<second>', 'dataset whose steps are divided by those of the first, such as one of a pair')
    .option(
      '--against <transport>',
      "holds each plan's step against the same plan's on it (default: the first one that was measured)",
    )
    .option('--json', 'one JSON object')
    .action(async (first: string, second: string, flags: { against?: string; json?: boolean }) =>
      (await import('./datasetRatios.ts')).experimentCompare(first, second, flags, output),
    );
  experiment
    .command('arena')
    .description('how much of the spread of copies from pinned arenas is place, and how much is time')
    .argument('<file...>', 'results of runs with --survey-arena')
    .action(async (files: string[]) => (await import('./arenaPlaces.ts')).experimentArena(files, output));
  program
    .command('regret')
    .description(
      'how far the choices of an experiment are from the best plan that was measured within their caps',
    )
    .argument('<file>', 'experiment whose cells have choices')
    .argument('<dataset...>', 'JSON Lines of `chunkflow experiment collect`')
    .addOption(
      new Option('--mode <mode>', 'steps that were launched so')
        .choices(['eager', 'graph', 'both'])
        .default('eager'),
    )
    .option('--machine <name|file>', "whose memory plans take, as caps mean it (default: each cell's own)")
    .option('--fail-above <share>', 'exit with 1 where a regret is larger, such as 0.03 or 3%')
    .option('--json', 'one JSON object, with the curve of every cell')
    .action(async (file: string, datasets: string[], flags: RegretFlags) => {
      status.code = (await import('./regret.ts')).regret(file, datasets, flags, output);
    });
  program
    .command('headlines')
    .description(
      "what the choices of an experiment gain, measured and predicted: against no offload and SGLang's policies",
    )
    .argument('<file>', 'experiment whose cells have choices')
    .argument('<dataset...>', 'JSON Lines of `chunkflow experiment collect`')
    .option('--against <transport>', 'of none, layerwise and layerwise-drain', 'staged-sm:2')
    .option('--machine <name|file>', "predicts (default: each cell's own)")
    .addOption(
      new Option('--mode <mode>', 'steps that were launched so')
        .choices(['eager', 'graph', 'both'])
        .default('eager'),
    )
    .option('--json', 'one JSON object')
    .action(async (file: string, datasets: string[], flags: HeadlineFlags) => {
      status.code = (await import('./headlines.ts')).headlines(file, datasets, flags, output);
    });
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}

import { type Command, InvalidArgumentError } from 'commander';
import type { CalibrateFlags } from './calibrate.ts';
import type { FitFlags } from './fit.ts';
import { addBuildOptions } from './options.ts';
import type { Output } from './output.ts';

/** Adds `calibrate` and `fit`; like every command, each loads its work only when it runs. */
export function addCalibrationCommands(program: Command, output: Output, status: { code: number }): void {
  addBuildOptions(
    program
      .command('calibrate')
      .description('measure a machine with generated micro-benchmarks; started anew, it goes on where it was')
      .requiredOption('--machine <name|file>', 'whose transports to measure: see `chunkflow machines`')
      .requiredOption('--results <folder>', 'where results go, and the calibration.yaml that `fit` reads')
      .option(
        '--sp <n>',
        'ranks of the collectives (default: its GPUs, or 2 where peers are not real)',
        count,
      )
      .option('--rounds <n>', 'how often each case is measured', count, 3)
      .option('--bundle <file|folder>', 'pack it for a machine that has no chunkflow, instead of measuring')
      .option('--with-headers', "take cudnn-frontend's headers along in the bundle"),
  ).action(async (flags: CalibrateFlags) => {
    status.code = await (await import('./calibrate.ts')).calibrate(flags, output);
  });
  program
    .command('fit')
    .description(
      "fit a machine's numbers to a calibration, and say how far off the readings are that were held out",
    )
    .argument('<file>', 'calibration, such as experiments/h200-calibration/h200-calibration.yaml')
    .option('--out <file>', 'write the machine with its fitted numbers here')
    .option('--id <name>', "its name (default: the calibrated machine's, with -fitted)")
    .option('--worst <n>', 'show the held-out readings that are farthest off', whole, 10)
    .option('--json', 'one JSON object')
    .action(async (file: string, flags: FitFlags) =>
      (await import('./fit.ts')).fitCommand(file, flags, output),
    );
}

function whole(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('Expected a whole number.');
}

function count(text: string): number {
  const value = whole(text);
  if (value >= 1) return value;
  throw new InvalidArgumentError('Expected a whole number of at least 1.');
}

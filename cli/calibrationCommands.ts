import { type Command, InvalidArgumentError, Option } from 'commander';
import { COLLECTIVE_KINDS } from '../model/dit/kinds.ts';
import type { CalibrateFlags } from './calibrate.ts';
import type { ValidateFlags } from './errorText.ts';
import type { FitFlags } from './fit.ts';
import type { ImportFlags } from './import.ts';
import { addBuildOptions } from './options.ts';
import type { Output } from './output.ts';

/** Adds `calibrate`, `fit`, `import` and `validate`; like every command, each loads its work only when it runs. */
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
      .option(
        '--transport <name>',
        "which of NCCL's transports this run's environment gives, such as nvlink or, with NCCL_P2P_DISABLE=1, shm (default: the machine's)",
      )
      .option(
        '--quick',
        'only links, host memory and transports, in a few cases: for another host of the same kind',
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
  program
    .command('import')
    .description(
      "show what another tool's file says of a machine: its PCIe tree for a machine file, or readings; or make a profile of a trace",
    )
    .argument(
      '<file>',
      "of nvbandwidth -j, nccl-tests, NCCL_TOPO_DUMP_FILE or nvidia-smi topo -m; a trace of PyTorch's profiler or nsys export --type sqlite",
    )
    .addOption(
      new Option('--collective <kind>', 'of nccl-tests that do not name their program').choices(
        COLLECTIVE_KINDS,
      ),
    )
    .option('--json', 'one JSON object')
    .optionsGroup('A profile of a trace, and what a trace does not say:')
    .addOption(new Option('--as <what>', 'profile').choices(['profile']))
    .option('--out <file>', 'write the profile here (default: print it)')
    .option('--id <name>', 'what plans call the model (default: by its blocks)')
    .option('--blocks <names>', 'lists of blocks as their ranges call them, in the order of a pass')
    .option(
      '--weight-bytes <[list=]size>',
      "of one block's parameters as stored; repeat for several lists",
      collect,
    )
    .option('--outside-bytes <size>', 'of parameters outside of the blocks')
    .option('--activation-bytes <size>', 'peak of what is allocated beside parameters')
    .option('--outside-time <time>', 'from the last block to the next pass (default: from the trace)')
    .option('--passes <n>', 'trips through all blocks in one step (default: 1)', count)
    .option('--ranks <n>', 'that meet in collectives (default: from the trace)', count)
    .option(
      '--collective-bytes <kind=size>',
      "input of a block's collective on each rank, where the trace does not say; repeat in order",
      collect,
    )
    .action(async (file: string, flags: ImportFlags) =>
      (await import('./import.ts')).importCommand(file, flags, output),
    );
  program
    .command('validate')
    .description('predict measured steps that no fit has seen, and say how far off that is')
    .argument(
      '<dataset...>',
      'JSON Lines of `chunkflow experiment collect`; or `published`, the steps that others have published',
    )
    .option('--machine <name|file>', "predicts, such as a fitted one (default: each cell's own)")
    .option(
      '--profiles <folder>',
      'the datasets are steps of attached models, of experiments/attach: predict them from their profiles, which lie there',
    )
    .option('--worst <n>', 'show the steps that are farthest off', whole, 5)
    .option(
      '--fail-above <limit>',
      'end with 1 where simulated, closedForm or memory is above, or tau below, such as simulated=3%; repeat',
      collect,
    )
    .option('--json', 'one JSON object')
    .action(async (files: string[], flags: ValidateFlags) => {
      const { profiles } = flags;
      status.code =
        profiles === undefined
          ? (await import('./validate.ts')).validate(files, flags, output)
          : (await import('./validateAttached.ts')).validateAttached(files, { ...flags, profiles }, output);
    });
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
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

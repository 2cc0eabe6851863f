/** A flag that generated programs read: `runtime/session/options.cpp` parses it, and a test compares its list with this one. */
export interface ProgramFlag {
  name: `--${string}`;
  /** What follows it, as the program's own `--help` says it; empty for a switch. */
  operand: string;
  description: string;
  /** What follows it in `chunkflow measure`; left out for a switch, and where `measure` does not take the flag. */
  measured?: string;
  /** Whether what follows is a whole number from 1. */
  whole?: true;
  /** All that may follow, where the command line checks it before the program does. */
  choices?: readonly string[];
  /** Who gives it, where `chunkflow measure` does not take it from its user. */
  by?: 'every run' | 'calibrations' | 'hand';
  /** What measure.sh of a bundle gives it where neither bundle nor user say otherwise; `true` for a switch. */
  bundled?: string | true;
}

/** All of them, those of `chunkflow measure` in the order of its `--help`. */
export const PROGRAM_FLAGS = [
  {
    name: '--plans',
    operand: '0,3,...',
    measured: '<list>',
    description: 'numbers of plans, such as 0,3 (default: all)',
  },
  {
    name: '--rounds',
    operand: 'N',
    measured: '<n>',
    whole: true,
    bundled: '5',
    description: 'how often every plan has its turn',
  },
  {
    name: '--steps',
    operand: 'N',
    measured: '<n>',
    whole: true,
    bundled: '8',
    description: 'recorded steps of a turn',
  },
  {
    name: '--warm-up',
    operand: 'S',
    measured: '<seconds>',
    description: 'the most seconds of warm-up',
  },
  {
    name: '--graph',
    operand: '',
    bundled: true,
    description: 'measure every plan as a graph too',
  },
  {
    name: '--timeline',
    operand: '',
    bundled: true,
    description: 'record when each statement of a step ran',
  },
  {
    name: '--verify',
    operand: '',
    bundled: true,
    description: 'check the streamed weights by checksums when they are used',
  },
  {
    name: '--compute',
    operand: 'real|synthetic',
    measured: '<how>',
    description: "real, or synthetic: only take the kernels' time",
  },
  {
    name: '--weights',
    operand: 'FILE|DIR',
    measured: '<file|folder>',
    description: "weights from a checkpoint: file, index, its folder or its pipeline's (default: random)",
  },
  {
    name: '--check-weights',
    operand: '',
    description: 'only check that --weights has every tensor in the right shape',
  },
  {
    name: '--inputs',
    operand: 'FILE.safetensors',
    measured: '<file>',
    description: 'inputs by name from a safetensors file (default: random); the manifest lists them',
  },
  {
    name: '--seed',
    operand: 'N',
    measured: '<n>',
    description: 'of random weights and inputs',
  },
  {
    name: '--ranks',
    operand: 'threads|processes',
    measured: '<how>',
    description: 'threads or processes',
  },
  {
    name: '--devices',
    operand: '0,1,...',
    measured: '<list>',
    description: 'the device of each rank',
  },
  {
    name: '--time-limit',
    operand: 'S',
    measured: '<seconds>',
    description: 'how long to wait for a step or another rank',
  },
  {
    name: '--pinned-limit',
    operand: 'BYTES',
    measured: '<bytes>',
    description: 'the most pinned host memory for weights',
  },
  {
    name: '--survey-arena',
    operand: '',
    description: 'record how fast every part of the pinned weights is copied, on all ranks',
  },
  {
    name: '--arena-layout',
    operand: 'same|reversed|surveyed',
    measured: '<layout>',
    choices: ['same', 'reversed', 'surveyed'],
    description:
      'order of blocks in pinned memory: the same on all ranks, reversed on odd ones, or by survey',
  },
  {
    name: '--output-steps',
    operand: 'N',
    measured: '<n>',
    whole: true,
    description: 'steps to the outputs that are compared and saved (default: 3; 1 with --inputs)',
  },
  {
    name: '--save-outputs',
    operand: 'DIR',
    measured: '<folder>',
    description: 'keep what every plan computes, a safetensors file each',
  },
  {
    name: '--out',
    operand: 'FILE.jsonl',
    by: 'every run',
    description: 'append the results to this file instead of printing them',
  },
  {
    name: '--no-table',
    operand: '',
    by: 'every run',
    description: 'leave out the closing table',
  },
  {
    name: '--cases',
    operand: '0,3,...',
    by: 'calibrations',
    description: 'numbers of cases of a calibration program (default: all)',
  },
  {
    name: '--segments',
    operand: '',
    by: 'calibrations',
    description: 'measure each segment of a block by itself, in place of steps',
  },
  {
    name: '--sustained',
    operand: '',
    by: 'calibrations',
    description: 'as --segments, the longest also until clock and power settle, and beside paced copies',
  },
  {
    name: '--staged-ring',
    operand: 'N',
    by: 'hand',
    description:
      'slices that staged-sm stages of a thread block at a time; 0: whole messages (default: as generated)',
  },
  {
    name: '--describe',
    operand: '',
    by: 'hand',
    description: 'print what the program is, as JSON',
  },
  {
    name: '--help',
    operand: '',
    by: 'hand',
    description: 'print the flags',
  },
] as const satisfies readonly ProgramFlag[];

/** A flag whose value `chunkflow measure` takes from its user and hands on. */
export type MeasuredFlag = Exclude<(typeof PROGRAM_FLAGS)[number], { by: string }>;

export const MEASURED_FLAGS = PROGRAM_FLAGS.filter((flag): flag is MeasuredFlag => !('by' in flag));

/** What measure.sh of a bundle gives the programs where nobody says otherwise. */
export const BUNDLED_ARGUMENTS: readonly string[] = PROGRAM_FLAGS.flatMap((flag: ProgramFlag) => {
  if (flag.bundled === undefined) return [];
  return flag.bundled === true ? [flag.name] : [flag.name, flag.bundled];
});

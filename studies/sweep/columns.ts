import type { Grid } from './grid.ts';
import { numbersOf } from './valueList.ts';

export type ColumnType = 'STRING' | 'BOOLEAN' | 'INT32' | 'INT64' | 'DOUBLE';
export type Value = string | number | boolean | null;
export type Row = Readonly<Record<string, Value>>;

/** A column of a sweep's results. Names end in the unit. */
export interface Column {
  name: string;
  type: ColumnType;
  means: string;
}

type Described = readonly [name: string, type: ColumnType, means: string];

const POINT: readonly Described[] = [
  ['point', 'INT64', 'number of the point in the sweep, from 0'],
  ['grid', 'STRING', 'name of its grid'],
  ['ask', 'STRING', 'predict, simulate or plan'],
];

/** What was asked; of a layout and size that was left out, what was taken. */
const ASKED: readonly Described[] = [
  ['machine', 'STRING', 'as the sweep names it'],
  ['gpus', 'INT32', 'GPUs of the machine'],
  ['pcie', 'STRING', 'of a card: generation and lanes'],
  ['topology', 'STRING', 'of a card: how several reach the host'],
  ['model', 'STRING', 'as the sweep names it'],
  ['entry', 'STRING', "the catalogue's model that a checkpoint is"],
  ['profile', 'STRING', 'in place of a model'],
  ['size', 'STRING', 'WxH or WxHxF'],
  ['dtype', 'STRING', 'of weights, where given'],
  ['blocks', 'INT32', 'of one pass'],
  ['batch', 'INT32', 'samples a step'],
  ['textRows', 'INT32', 'where given'],
  ['expertsOnGpu', 'INT32', 'where given'],
  ['referenceImage', 'STRING', 'where given'],
  ['sp', 'INT32', 'Ulysses degree'],
  ['ring', 'INT32', 'ring attention degree'],
  ['tp', 'INT32', 'tensor-parallel degree'],
  ['cfg', 'STRING', 'guidance'],
  ['exchange', 'STRING', 'how Q, K and V change hands'],
  ['computeDtype', 'STRING', 'of matrix products, where given'],
  ['attention', 'STRING', 'kernel, where given'],
  ['eager', 'BOOLEAN', 'unfused kernels, where given'],
  ['transport', 'STRING', 'of the collectives; none for one rank'],
  ['plan', 'STRING', 'the plan, or the one that was found'],
  ['capBytes', 'INT64', 'most GPU memory that was asked for'],
  ['hostCapBytes', 'INT64', 'most pinned memory of a rank that was asked for'],
];

const RESULTS: readonly Described[] = [
  ['error', 'STRING', 'why there is no answer; null where there is one'],
  ['fits', 'BOOLEAN', "whether the plan keeps within the caps, or the machine's memory"],
  ['misfit', 'STRING', 'which memory it needs more of'],
  ['stepS', 'DOUBLE', 'step time'],
  ['noneS', 'DOUBLE', 'of no offload on the same transport'],
  ['versusNone', 'DOUBLE', 'stepS / noneS; of ask: plan, no offload on the usual transport'],
  ['doubtLowS', 'DOUBLE', '95 % interval of stepS'],
  ['doubtHighS', 'DOUBLE', ''],
  ['doubtLowVersusNone', 'DOUBLE', '95 % interval of versusNone'],
  ['doubtHighVersusNone', 'DOUBLE', ''],
  ['doubtBy', 'STRING', 'what widens the interval most'],
  ['doubtKey', 'STRING', "the machine's number behind it"],
  ['computeS', 'DOUBLE', 'on the critical path'],
  ['collectiveS', 'DOUBLE', 'on the critical path, inflation included'],
  ['exposedS', 'DOUBLE', 'waiting for weights and nothing else'],
  ['inflationS', 'DOUBLE', 'what collectives take longer than alone'],
  ['prefetchS', 'DOUBLE', 'H2D of one step alone'],
  ['windowS', 'DOUBLE', 'windows that it could hide in'],
  ['deviceBytes', 'INT64', 'peak of GPU memory'],
  ['pinnedBytes', 'INT64', 'of one rank'],
  ['boundBy', 'STRING', 'what limits the step'],
  ['clock', 'DOUBLE', 'fraction of the highest'],
  ['powerW', 'DOUBLE', 'mean over the step; null where the machine knows no power'],
  ['tokens', 'DOUBLE', 'of one sample'],
  ['frames', 'INT32', '1 for images'],
  ['ranks', 'INT32', 'that meet in a collective'],
  ['passes', 'INT32', 'trips through all blocks in a step'],
  ['weightBytes', 'INT64', "one rank's block weights of one pass"],
  ['breakEvenTokens', 'DOUBLE', 'from which the plan is hidden, with breakEven: true'],
  ['breakEvenFrames', 'DOUBLE', ''],
  ['breakEvenBatch', 'DOUBLE', ''],
  ['closedFormS', 'DOUBLE', 'of ask: simulate and plan, the same step in closed form'],
  ['steady', 'BOOLEAN', 'of a simulation: steps had stopped changing'],
  ['frontIndex', 'INT32', 'of a front, from the least memory'],
  ['boundS', 'DOUBLE', 'of ask: plan, below which no plan is'],
  ['gap', 'DOUBLE', 'share of boundS that the plan is above it'],
  ['planFile', 'STRING', "of ask: plan, the plan as a file's JSON; --plan takes it"],
];

/** Columns in which two runs of one sweep may differ. */
export const PROVENANCE: readonly Described[] = [
  ['task', 'INT64', 'number of the task, which is also the file'],
  ['node', 'STRING', 'host that answered'],
  ['version', 'STRING', 'of chunkflow'],
  ['commit', 'STRING', 'of its sources; null where they are no checkout'],
  ['at', 'STRING', 'when the task ended, UTC'],
];

/** Columns whose name is no field of what is asked. */
const COLUMN_OF_AXIS: Readonly<Record<string, string>> = {
  gpuMemory: 'capBytes',
  hostMemory: 'hostCapBytes',
};

/** What the column of an axis is called. */
export function columnOfAxis(axis: string): string {
  return COLUMN_OF_AXIS[axis] ?? axis;
}

/** A machine's number as a column: its values in the library's unit, or as they are written where they are no numbers of one kind. */
export interface SetColumn extends Column {
  axis: string;
  numberOf: (text: string) => Value;
}

/** `gpu.copyEngine.h2d` as `set_gpu_copyEngine_h2dBytesPerS`, for every number that some grid varies. */
export function setColumns(grids: readonly Grid[]): SetColumn[] {
  const texts = new Map<string, string[]>();
  for (const { axes } of grids)
    for (const { set, values } of axes)
      if (set !== undefined) texts.set(set, [...(texts.get(set) ?? []), ...(values as readonly string[])]);
  return [...texts].map(([key, all]): SetColumn => {
    const found = numbersOf(all);
    const name = `set_${key.replaceAll(/\W/g, '_')}${found?.suffix ?? ''}`;
    const numbers = found && new Map(all.map((text, index) => [text, found.numbers[index]!]));
    return {
      ...{ name, axis: `set ${key}`, type: numbers === null ? 'STRING' : 'DOUBLE', means: `--set ${key}` },
      numberOf: (text) => (numbers === null ? text : numbers.get(text)!),
    };
  });
}

/** All columns of a sweep's results, in their order. */
export function columnsOf(grids: readonly Grid[]): Column[] {
  const described = (group: readonly Described[]) =>
    group.map(([name, type, means]) => ({ name, type, means }));
  return [
    ...described(POINT),
    ...described(ASKED),
    ...setColumns(grids).map(({ name, type, means }) => ({ name, type, means })),
    ...described(RESULTS),
    ...described(PROVENANCE),
  ];
}

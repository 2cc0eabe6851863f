/**
 * What the templates may print: strings that are C++ already (made by escape.ts) and lists of them. A template that reaches a
 * name that is not here would print nothing without a word, so every view is checked before it is rendered.
 */
import { z } from 'zod';

const cpp = z.string();
const header = z.array(cpp).describe('comment lines at the top: what this is, from what, by what');

const call = z.strictObject({ fn: cpp, argLines: z.array(cpp).min(1), comment: cpp });

export const kindView = z.strictObject({
  namespace: cpp,
  title: cpp,
  buffers: z.array(z.strictObject({ constant: cpp, offset: cpp, shape: cpp })),
  weights: z.array(
    z.strictObject({
      constant: cpp,
      offset: cpp,
      shape: cpp,
      tensor: cpp.describe('initialiser of its Tensor'),
    }),
  ),
  segments: z.array(
    z.strictObject({ constant: cpp, fn: cpp, name: cpp, durationS: cpp, calls: z.array(call) }),
  ),
});

export const blocksHeaderView = z.strictObject({
  header,
  residual: cpp,
  inputs: z.array(z.strictObject({ constant: cpp, offset: cpp, shape: cpp })),
  kinds: z.array(kindView),
});

export const blocksView = z.strictObject({ header, kind: kindView });

const statement = z.looseObject({ kind: cpp });

export const planView = z.strictObject({
  header,
  constant: cpp,
  index: cpp,
  name: cpp,
  carrier: cpp,
  summary: z.array(cpp),
  slots: cpp,
  slotBytes: cpp,
  streamedPerStep: cpp,
  ringPeriod: cpp,
  piecesPerStep: cpp,
  collectivesPerStep: cpp,
  stagingBytes: cpp,
  points: z.array(z.strictObject({ constant: cpp, number: cpp })),
  collectives: z.array(
    z.strictObject({
      constant: cpp,
      name: cpp,
      kind: cpp,
      send: cpp,
      recv: cpp,
      messageBytes: cpp,
      pieceBytes: cpp,
    }),
  ),
  routines: z.array(
    z.strictObject({
      fn: cpp,
      title: cpp,
      row: cpp,
      table: cpp,
      columns: z.array(z.strictObject({ type: cpp, name: cpp })),
      rows: z.array(z.array(cpp)),
      statements: z.array(statement),
    }),
  ),
  runs: z.array(z.strictObject({ fn: cpp, table: cpp, first: cpp, end: cpp, comment: cpp })),
  residentBytes: z.array(cpp),
  slotOf: z.array(cpp),
  primed: z.array(z.strictObject({ position: cpp, slot: cpp })),
  hasPrimed: z.boolean(),
  claim: z.array(z.strictObject({ field: cpp, bytes: cpp })),
});

const rotaryAxis = z.strictObject({
  rowsPerIndex: cpp,
  indices: cpp,
  firstPosition: cpp,
  positionStep: cpp,
  leastPosition: cpp,
  firstPair: cpp,
  pairStep: cpp,
  pairs: cpp,
  scale: cpp,
  base: cpp,
  exponentStep: cpp,
});

export const programView = z.strictObject({
  header,
  id: cpp,
  title: cpp,
  fingerprint: cpp,
  tool: cpp,
  commit: cpp,
  ranks: cpp,
  groupSize: cpp,
  mirrored: cpp,
  blocksPerPass: cpp,
  positions: cpp,
  kinds: z.array(kindView),
  blocks: z.array(z.strictObject({ prefix: cpp, bytes: cpp, namespace: cpp, firstValue: cpp })),
  plans: z.array(z.strictObject({ constant: cpp })),
  inputs: z.array(
    z.strictObject({
      constant: cpp,
      name: cpp,
      meaning: cpp,
      rows: cpp,
      width: cpp,
      sharded: cpp,
      rotary: cpp,
      axes: z.array(rotaryAxis).describe('each RotaryAxis; none for a tensor that is no rotary table'),
      firstValue: cpp,
      scale: cpp,
      mean: cpp,
    }),
  ),
  residuals: z.array(
    z.strictObject({
      name: cpp,
      meaning: cpp,
      offset: cpp,
      rows: cpp,
      width: cpp,
      firstValue: cpp,
      sharded: cpp,
    }),
  ),
  inputBytes: cpp,
  activationBytes: cpp,
  outsideBytes: cpp,
  workspaceBytes: cpp,
  tensorShards: cpp,
});

export const cmakeView = z.strictObject({ header, target: cpp, sources: z.array(cpp) });

export type KindView = z.output<typeof kindView>;
export type PlanView = z.output<typeof planView>;
export type ProgramView = z.output<typeof programView>;
export type StatementView = z.output<typeof statement>;

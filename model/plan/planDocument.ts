import { z } from 'zod';
import { profiledFormat } from '../workload/profiledFormat.ts';
import type { Workload } from '../workload/workload.ts';
import { type BlockPlan, HOST_MEMORIES, type Plan, YIELD_RULES } from './plan.ts';
import { FROM_FILE } from './recipe.ts';

export const PLAN_SCHEMA = 'chunkflow/plan@2';

const bytes = z.int().min(0);

const run = z.strictObject({
  times: z.int().min(1).describe('so many blocks in a row'),
  residentBytes: bytes.describe('at the front of each, whole pages of 2 MiB or all of it'),
  ahead: z.int().min(0).describe('blocks before its own at which the copy is issued'),
  windowBytes: z.array(bytes).describe('issued before the first collective of that block, behind it, ...'),
});

/** A plan as files and datasets hold it: alike blocks in a row are one run. */
export const planFormat = z.strictObject({
  schema: z.literal(PLAN_SCHEMA),
  name: z.string().min(1).describe('as tables and results call it'),
  model: z.string().describe('id in the catalogue, or in its profile, of the model whose blocks these are'),
  chunkBytes: bytes.min(1).nullable().describe('largest copy; null for whole blocks'),
  slots: z.int().min(0),
  yieldRule: z.enum(YIELD_RULES),
  paceS: z.number().min(0),
  drainAtPassStart: z.boolean(),
  sequential: z.boolean(),
  transport: z.string().describe('`none` where there are no collectives'),
  pieceBytes: bytes,
  stagedInCopyStream: z.boolean(),
  source: z.enum(HOST_MEMORIES).optional().describe('memory that a tool streams weights from'),
  serialCopies: z
    .array(z.strictObject({ bytes, direction: z.enum(['h2d', 'd2h']), memory: z.enum(HOST_MEMORIES) }))
    .optional()
    .describe('of every pass, outside the stream of blocks, while the GPU waits'),
  profiled: profiledFormat
    .optional()
    .describe('of a plan for a profiled model: what attaching the plan to the model takes'),
  blocks: z.array(run).min(1).describe('runs of alike blocks; together as many as a pass has'),
});

export type PlanDocument = z.output<typeof planFormat>;
export type BlockRun = PlanDocument['blocks'][number];

/** A plan of a workload as a document; what made it is not kept. Equal plans give equal documents. */
export function planDocument(
  { recipe: _, blocks, chunkBytes, name, ...rest }: Plan,
  workload: Workload,
): PlanDocument {
  return {
    ...{ schema: PLAN_SCHEMA, name, model: workload.model.id },
    chunkBytes: Number.isFinite(chunkBytes) ? chunkBytes : null,
    slots: rest.slots,
    yieldRule: rest.yieldRule,
    paceS: rest.paceS,
    drainAtPassStart: rest.drainAtPassStart,
    sequential: rest.sequential,
    transport: rest.transport,
    pieceBytes: rest.pieceBytes,
    stagedInCopyStream: rest.stagedInCopyStream,
    ...(rest.source !== undefined && { source: rest.source }),
    ...(rest.serialCopies !== undefined && { serialCopies: [...rest.serialCopies] }),
    ...(workload.from === 'profile' && { profiled: workload.profiled }),
    blocks: runsOf(blocks),
  };
}

/** The plan of a document, its blocks written out; whether it fits a workload is not looked at. */
export function documentedPlan({
  schema: _,
  model: __,
  profiled: ___,
  chunkBytes,
  blocks,
  source,
  serialCopies,
  ...rest
}: PlanDocument): Plan {
  return {
    ...rest,
    ...(source !== undefined && { source }),
    ...(serialCopies !== undefined && { serialCopies }),
    recipe: FROM_FILE,
    chunkBytes: chunkBytes ?? Number.POSITIVE_INFINITY,
    blocks: blocksOf(blocks),
  };
}

function runsOf(blocks: readonly BlockPlan[]): BlockRun[] {
  const runs: BlockRun[] = [];
  for (const [index, { residentBytes, issueAt, windowBytes }] of blocks.entries()) {
    const own: BlockRun = { times: 1, residentBytes, ahead: index - issueAt, windowBytes: [...windowBytes] };
    const last = runs.at(-1);
    if (last !== undefined && sameBlock(last, own)) last.times += 1;
    else runs.push(own);
  }
  return runs;
}

function sameBlock(a: BlockRun, b: BlockRun): boolean {
  return (
    a.residentBytes === b.residentBytes &&
    a.ahead === b.ahead &&
    a.windowBytes.length === b.windowBytes.length &&
    a.windowBytes.every((part, window) => part === b.windowBytes[window])
  );
}

function blocksOf(runs: readonly BlockRun[]): BlockPlan[] {
  let index = 0;
  return runs.flatMap(({ times, residentBytes, ahead, windowBytes }) =>
    Array.from({ length: times }, () => ({ residentBytes, issueAt: index++ - ahead, windowBytes })),
  );
}

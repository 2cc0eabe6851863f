import type { Plan } from '../plan/plan.ts';
import { collectivesOf, issuerOf } from '../plan/windows.ts';
import type { System } from '../system/system.ts';
import { transportNamed } from '../system/transport.ts';
import type { BlockKind, Workload } from '../workload/workload.ts';

/** Bytes of one block for one hiding window: a run of chunks that the copy stream takes one after another. */
export interface ScheduledRun {
  /** Block of the pass that the bytes belong to. */
  block: number;
  /** Blocks from the running one to that one. */
  ahead: number;
  /** Blocks from the running one to the one that issues the run in program order; negative where its slot was not free then. */
  issuerAhead: number;
  /** Collectives of the issuing block that come before this run in program order. */
  window: number;
  bytes: number;
  chunks: number;
}

/** What one block of a pass issues, in the order of the copy stream. */
export interface BlockIssues {
  /** Runs that may be copied from the block's start on. */
  atStart: readonly ScheduledRun[];
  /** Runs that may be copied from the end of the block's first, second, ... collective on. */
  afterCollective: readonly (readonly ScheduledRun[])[];
}

/**
 * The issue points of a pass's copies, per running block, as lowering places them.
 *
 * Program order is the same for all plans: a block's first window, its first collective, its second window, and so on; the
 * copy stream keeps to it. A run for the first window also waits for its block's start, and every run for its slot: until the
 * block that sat there has been read. A later window's run
 *
 * - waits for the end of the collective before it where chunks yield (`wait`), stand behind its pieces in one stream, or
 *   follow everything (`sequential`);
 * - waits for nothing else under any other rule: with slots to spare it starts before the block that issues it.
 *
 * @throws Error where a plan has bytes for windows that a block does not have: a bug of whoever made the plan.
 */
export function issueSchedule(workload: Workload, system: System, plan: Plan): BlockIssues[] {
  const collectives = collectivesPerBlock(workload);
  const ofBlock = collectives.map((count) => ({
    atStart: [] as ScheduledRun[],
    afterCollective: Array.from({ length: count }, (): ScheduledRun[] => []),
  }));
  const length = ofBlock.length;
  const held = collectivesHoldChunks(workload, system, plan);
  const runs = runsInProgramOrder(collectives, plan);
  /** Block at whose start the copy stream gets on to a run, at the earliest: it keeps its order. */
  let reached = Number.NEGATIVE_INFINITY;
  const opens = ({ issuer, window, freeFrom }: ProgramRun) =>
    Math.max(window === 0 || held ? issuer : Number.NEGATIVE_INFINITY, freeFrom);
  for (const run of runs) reached = Math.max(reached, opens(run));
  reached -= length;
  for (const run of runs) {
    const { block, issuer, window, bytes } = run;
    reached = Math.max(reached, opens(run));
    const running = ofBlock[((reached % length) + length) % length]!;
    const chunks = Math.max(1, Math.ceil(bytes / plan.chunkBytes));
    const scheduled = { block, ahead: block - reached, issuerAhead: issuer - reached, window, bytes, chunks };
    const waits = held && window > 0 && reached === issuer;
    (waits ? running.afterCollective[window - 1]! : running.atStart).push(scheduled);
  }
  // What the stream has reached at a block's start it takes in program order.
  for (const { atStart } of ofBlock)
    atStart.sort((a, b) => a.issuerAhead - b.issuerAhead || a.window - b.window || a.ahead - b.ahead);
  return ofBlock;
}

interface ProgramRun {
  /** Block of the pass that the bytes are for, or of a later pass, counted on. */
  block: number;
  /** Block of the pass that issues them. */
  issuer: number;
  window: number;
  bytes: number;
  /** Block from whose start on its slot is free. */
  freeFrom: number;
}

function collectivesPerBlock({ blocks }: Workload): number[] {
  const ofKind = new Map<BlockKind, number>();
  return blocks.map((kind) => {
    const known = ofKind.get(kind);
    if (known !== undefined) return known;
    const count = collectivesOf(kind);
    ofKind.set(kind, count);
    return count;
  });
}

function runsInProgramOrder(collectives: readonly number[], plan: Plan): ProgramRun[] {
  const length = collectives.length;
  const streamed = plan.blocks.flatMap((block, index) => (block.windowBytes.length > 0 ? [index] : []));
  const runs = streamed.flatMap((index, ordinal) => {
    const { issueAt, windowBytes } = plan.blocks[index]!;
    const issuer = issuerOf(issueAt, length);
    const later = issuer - issueAt;
    const windows = 1 + collectives[issuer]!;
    const freeFrom = plan.sequential
      ? Number.NEGATIVE_INFINITY
      : slotReader(streamed, ordinal, plan.slots, length) + 1 + later;
    const ofBlock: ProgramRun[] = [];
    for (let window = 0; window < windowBytes.length; window += 1) {
      const bytes = windowBytes[window]!;
      if (bytes === 0) continue;
      if (window >= windows)
        throw new Error(
          `plan ${plan.name}: ${bytes} bytes of block ${index} are for window ${window} of block ${issuer}, which has ${windows}`,
        );
      ofBlock.push({ block: index + later, issuer, window, bytes, freeFrom });
    }
    return ofBlock;
  });
  return runs.sort((a, b) => a.issuer - b.issuer || a.window - b.window || a.block - b.block);
}

/** Block that reads, as the last one, what sat in the slot of the streamed block with this ordinal. */
function slotReader(streamed: readonly number[], ordinal: number, slots: number, length: number): number {
  const place = ordinal - slots;
  const passes = Math.floor(place / streamed.length);
  return streamed[place - passes * streamed.length]! + passes * length;
}

/** Whether a run of a later window waits for the end of the collective before it: of a machine no more than this decides a schedule. */
export function collectivesHoldChunks({ ranks }: Workload, system: System, plan: Plan): boolean {
  if (plan.sequential || ranks === 1) return true;
  // Pieces of a staged collective hold the chunks behind them by standing before them in one stream.
  if (plan.stagedInCopyStream) return transportNamed(system, plan.transport).kind === 'staged-copy';
  return plan.yieldRule === 'wait';
}

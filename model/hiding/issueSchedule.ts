import type { Plan } from '../plan/plan.ts';
import { transportOf } from '../system/load.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';

/** Bytes of one block for one hiding window: a run of chunks that the copy stream takes one after another. */
export interface ScheduledRun {
  /** Block of the pass that the bytes belong to. */
  block: number;
  /** Blocks from the running one to that one. */
  ahead: number;
  /** Collectives of the running block that come before this run in program order. */
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
 * Program order is the same for all plans: a block's first window, its first collective, its second window, and so on. The
 * end of a collective holds the chunks behind it only where they wait for it (`wait`), follow its pieces on one stream, or
 * follow everything (`sequential`). Elsewhere the copy stream goes on with the next window as soon as it is free.
 *
 * A copy whose slot is still being read at its issue point starts behind the reader, whatever its window.
 *
 * @throws Error where a plan streams bytes that no block of a pass issues: a bug of whoever made the plan.
 */
export function issueSchedule(workload: Workload, system: System, plan: Plan): BlockIssues[] {
  const length = workload.blocks.length;
  const ofBlock = workload.blocks.map(({ segments }) => ({
    atStart: [] as ScheduledRun[],
    afterCollective: segments.filter(({ kind }) => kind === 'collective').map((): ScheduledRun[] => []),
  }));
  const streamed = plan.blocks.flatMap((block, index) => (block.windowBytes.length > 0 ? [index] : []));
  const issues = streamed.map((block, ordinal) => {
    const { issueAt } = plan.blocks[block]!;
    const reader = plan.sequential
      ? Number.NEGATIVE_INFINITY
      : slotReader(streamed, ordinal, plan.slots, length);
    const at = Math.max(issueAt, reader + 1);
    return { block, at, ahead: block - at, isLate: at > issueAt };
  });
  const held = collectivesHoldChunks(workload, system, plan);
  for (const { block, at, ahead, isLate } of issues.sort((a, b) => a.ahead - b.ahead)) {
    const running = ofBlock[((at % length) + length) % length]!;
    for (const [window, bytes] of plan.blocks[block]!.windowBytes.entries()) {
      if (bytes === 0) continue;
      if (window > running.afterCollective.length)
        throw new Error(
          `plan ${plan.name}: ${bytes} bytes of block ${block} are for window ${window} of block ${at}, which has ${running.afterCollective.length + 1}`,
        );
      const chunks = Math.max(1, Math.ceil(bytes / plan.chunkBytes));
      const run = { block, ahead, window: isLate ? 0 : window, bytes, chunks };
      if (run.window === 0 || !held) running.atStart.push(run);
      else running.afterCollective[run.window - 1]!.push(run);
    }
  }
  // The copy stream takes the first windows of all blocks before the second ones; within a window the order stands.
  for (const { atStart } of ofBlock) atStart.sort((a, b) => a.window - b.window);
  return ofBlock;
}

/** Block that reads, as the last one, what sat in the slot of the streamed block with this ordinal. */
function slotReader(streamed: readonly number[], ordinal: number, slots: number, length: number): number {
  const place = ordinal - slots;
  const passes = Math.floor(place / streamed.length);
  return streamed[place - passes * streamed.length]! + passes * length;
}

function collectivesHoldChunks({ ranks }: Workload, system: System, plan: Plan): boolean {
  if (plan.sequential || ranks === 1) return true;
  // Pieces of a staged collective hold the chunks behind them by standing before them in one stream.
  if (plan.stagedInCopyStream) return transportOf(system, plan.transport).kind === 'staged-copy';
  return plan.yieldRule === 'wait';
}

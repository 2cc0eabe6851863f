import type { Recipe } from './recipe.ts';

/** How chunks treat collectives. */
export const YIELD_RULES = [
  /** They share the link: nothing is held back. */
  'none',
  /** Every collective first waits until all copies issued so far have landed (the paper's baseline). */
  'drain',
  /** The chunks of a window wait, on the device, for the end of the collective before it. */
  'wait',
  /** Chunks pause while the host launches a collective, which is long before or after it runs (the paper). */
  'launch-window',
] as const;
export type YieldRule = (typeof YIELD_RULES)[number];

/** Host memory that a copy reads or writes. */
export const HOST_MEMORIES = ['pinned', 'pageable'] as const;
export type HostMemory = (typeof HOST_MEMORIES)[number];

/** A copy that a tool makes in every pass outside the stream of blocks, while the GPU waits. */
export interface SerialCopy {
  bytes: number;
  direction: 'h2d' | 'd2h';
  memory: HostMemory;
}

/** What happens to one block of a pass. */
export interface BlockPlan {
  /** Bytes at the block's front that stay on the GPU: whole pages of 2 MiB, or all of the block. */
  residentBytes: number;
  /**
   * Index of the block of the same pass order (it may lie in the previous pass) at whose start the copy may go. The block itself:
   * nothing before it overlaps the copy.
   */
  issueAt: number;
  /**
   * Bytes issued in each window of the block that runs meanwhile: [before its first collective, between the
   * first and the second, ...]. Their sum is the block's non-resident bytes.
   */
  windowBytes: readonly number[];
}

/**
 * How to stream a workload's weights: data that the closed form, the simulator and the code generator all read.
 *
 * Block i of a pass is copied into the next of `slots` device buffers, in a ring over the streamed blocks.
 */
export interface Plan {
  /** As tables, charts and files call it; nothing else is read from it. */
  name: string;
  /** What made it. */
  recipe: Recipe;
  /** Largest copy, bytes; a block's bytes go in chunks of this size. Infinity: the whole block in one copy. */
  chunkBytes: number;
  slots: number;
  blocks: readonly BlockPlan[];
  yieldRule: YieldRule;
  /** Pause after each chunk, seconds; 0 for none. */
  paceS: number;
  /** The first block of a pass also waits for every copy issued before it (SGLang's prepare_for_next_req). */
  drainAtPassStart: boolean;
  /** Copies follow the compute they feed in stream order, from pageable memory, with no overlap at all. */
  sequential: boolean;
  transport: string;
  /** Bytes of one piece of a `staged-copy` collective. */
  pieceBytes: number;
  /** The H2D pieces of `staged-copy` collectives stand in the prefetch stream, in order, instead of their own. */
  stagedInCopyStream: boolean;
  /**
   * Memory that streamed weights are copied from. Left out where a generated program copies them: from its arena, which is pinned,
   * if slowly where the plan is sequential.
   */
  source?: HostMemory;
  /** Left out where a plan's blocks are all that it copies. */
  serialCopies?: readonly SerialCopy[];
}

/** What a plan does, as a key: plans of equal content differ at most in their names and in what made them. */
export function contentOf({ name: _, recipe: __, ...content }: Plan): string {
  return JSON.stringify(content);
}

/** Bytes that a plan streams in one pass: all that does not stay on the GPU. */
export function streamedBytesOf({ blocks }: Pick<Plan, 'blocks'>): number {
  return blocks.reduce(
    (sum, { windowBytes }) => sum + windowBytes.reduce((ofBlock, bytes) => ofBlock + bytes, 0),
    0,
  );
}

/**
 * The law of every predictor: a step issues exactly the bytes that its plan streams.
 *
 * @param road who issued them, for the message.
 * @throws Error where it does not: a bug, whatever the plan.
 */
export function checkIssuedBytes(road: string, plan: Plan, passes: number, issuedBytes: number): void {
  const streamedBytes = streamedBytesOf(plan) * passes;
  // Bytes are whole numbers; half of one is rounding.
  if (Math.abs(issuedBytes - streamedBytes) < 0.5) return;
  throw new Error(
    `plan ${plan.name}: ${road} issues ${issuedBytes} bytes a step, ${streamedBytes} are streamed; this is a bug`,
  );
}

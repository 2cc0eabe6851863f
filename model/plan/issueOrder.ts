/** Which blocks of a pass are copied, and at the start of which block each copy may go. */
export interface IssueOrder {
  /** Indices of the streamed blocks, in order. */
  streamed: readonly number[];
  /** Per streamed block: the block at whose start its copy is issued; negative lies in the previous pass. */
  issueAt: readonly number[];
  slots: number;
}

/**
 * Spread or leading residents: `count` of `blocks` stay on the GPU, the first ones or evenly spaced ones. The
 * strided rule always streams block 0, so that the copy of one pass can hide in the end of the one before.
 */
export function residentBlocks(blocks: number, count: number, policy: 'leading' | 'strided'): Set<number> {
  if (policy === 'leading') return new Set(Array.from({ length: count }, (_, index) => index));
  const streamed = blocks - count;
  const kept = new Set(
    Array.from({ length: streamed }, (_, index) => Math.floor((index * blocks) / streamed)),
  );
  return new Set(Array.from({ length: blocks }, (_, index) => index).filter((index) => !kept.has(index)));
}

/**
 * At every block the next `prefetch` streamed blocks are topped up: a copy is issued when the streamed block
 * `prefetch` places before it starts. One buffer more than that. (SGLang's strided rule, ours, vLLM-Omni's.)
 */
export function topUp(streamed: readonly number[], blocks: number, prefetch: number): IssueOrder {
  if (streamed.length === 1 && blocks > 1) {
    // Its one buffer is free again when the block itself has been read.
    return { streamed, issueAt: [streamed[0]! + 1 - blocks], slots: 1 };
  }
  // A block cannot be fetched before it has been read itself.
  const depth = Math.max(1, Math.min(prefetch, streamed.length - 1));
  const issueAt = streamed.map((_, index) =>
    index >= depth ? streamed[index - depth]! : streamed[index - depth + streamed.length]! - blocks,
  );
  return { streamed, issueAt, slots: depth + 1 };
}

/**
 * SGLang's leading rule: every `prefetch` blocks a burst of the next `prefetch` is issued; with residents, the
 * first `prefetch` streamed blocks are issued at the start of the pass instead. The working set is two bursts.
 *
 * Simplified where a burst reaches around the end of a pass without filling it (`prefetch` that does not divide the
 * depth, or more than the residents): SGLang then issues some of the next pass's first blocks one burst earlier, and
 * drops and reloads what is not at the head of the stream. The published run of that kind (16 of 60 blocks ahead)
 * shows no such reload, so every block is copied once here.
 */
export function leadingBursts(streamed: readonly number[], blocks: number, prefetch: number): IssueOrder {
  const burst = prefetch;
  const hasResidents = streamed.length < blocks;
  const lastBurst = Math.floor((blocks - 1) / burst) * burst;
  const issueAt = streamed.map((block, index) => {
    if (hasResidents && index < burst) return 0;
    const group = Math.floor(block / burst);
    return group === 0 ? lastBurst - blocks : (group - 1) * burst;
  });
  return { streamed, issueAt, slots: Math.min(2 * burst, streamed.length) };
}

/**
 * Whether every copy is issued only after the block that last sat in its buffer has begun to be read: otherwise
 * the copy would wait, and everything behind it in the stream, perhaps for what waits for it.
 */
export function fitsSlots({ streamed, issueAt, slots }: IssueOrder, blocks: number): boolean {
  return streamed.every((block, index) => {
    if (issueAt[index] === block) return true;
    const before = index - slots;
    const pass = Math.floor(before / streamed.length);
    return streamed[before - pass * streamed.length]! + pass * blocks < issueAt[index]!;
  });
}

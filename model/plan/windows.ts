import type { BlockKind } from '../workload/workload.ts';

/** Collectives of a block that compute waits for; those beside compute end no window. */
export function collectivesOf({ segments }: Pick<BlockKind, 'segments'>): number {
  return segments.filter(({ kind }) => kind === 'collective').length;
}

/** Hiding windows of a block: before its first collective, between each two, and behind the last. */
export function windowsOf(block: Pick<BlockKind, 'segments'>): number {
  return 1 + collectivesOf(block);
}

/** The block that runs when a copy is issued at `issueAt`, which may count back into an earlier pass. */
export function issuerOf(issueAt: number, blocks: number): number {
  return ((issueAt % blocks) + blocks) % blocks;
}

/**
 * Deals a block's bytes to hiding windows in whole chunks.
 *
 * `shares` are weights, one per window; the chunks are dealt by largest remainder, so every window gets its
 * share to within a chunk and nothing is lost. The last chunk may be short; it goes where the last one falls.
 *
 * @example dealChunks(100, 16, [3, 1]) // [80, 20]: 5 chunks and 2, the last of 4 bytes
 */
export function dealChunks(bytes: number, chunkBytes: number, shares: readonly number[]): number[] {
  const chunk = Math.min(chunkBytes, bytes);
  const count = bytes === 0 ? 0 : Math.ceil(bytes / chunk);
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (count === 0 || total === 0) return shares.map((_, index) => (index === 0 ? bytes : 0));
  const exact = shares.map((share) => (count * share) / total);
  const chunks = exact.map(Math.floor);
  const byRemainder = exact
    .map((value, index) => ({ index, remainder: value - Math.floor(value) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index);
  let left = count - chunks.reduce((sum, value) => sum + value, 0);
  for (const { index } of byRemainder) {
    if (left-- <= 0) break;
    chunks[index]! += 1;
  }
  const dealt = chunks.map((value) => value * chunk);
  const lastUsed = chunks.findLastIndex((value) => value > 0);
  dealt[lastUsed]! -= count * chunk - bytes;
  return dealt;
}

/** Shares for given fractions of the first windows; the last window takes the rest. */
export function fractionsToShares(fractions: readonly number[], windows: number): number[] {
  const shares = Array.from({ length: windows }, (_, index) => fractions[index] ?? 0);
  const given = shares.reduce((sum, share) => sum + share, 0);
  shares[windows - 1]! += Math.max(0, 1 - given);
  return shares;
}

/**
 * Share of a staged read that host memory serves, the CPU's last-level cache serving the rest: D2H writes land in the cache, and every
 * line that is written after them evicts one at random,
 *
 *   share = 1 - exp(-distance / cache)
 *
 * Writes count in full whatever is read: an evicted line is written back. Holds for staging that is written front to back and read
 * in the same order; H2D reads of weights take no place in the cache.
 *
 * @param distanceBytes that all ranks of the host have staged from the beginning of a piece's write to the beginning of its read.
 * @param cacheBytes of the cache that staged bytes find; 0 where memory serves all reads.
 * @example missedShare(16 * MiB, 48 * MiB) // 0.28
 */
export function missedShare(distanceBytes: number, cacheBytes: number): number {
  return cacheBytes > 0 ? -Math.expm1(-distanceBytes / cacheBytes) : 1;
}

/**
 * The same on average over an exchange whose reads fall behind its writes. A rank has at the most `backlogBytes` written that nobody
 * has read: as long as both run the backlog grows evenly to that, and then nothing new is written behind what is read, down to none,
 *
 *   share = 1 - exp(-nearest / cache) (1 - exp(-backlog / cache)) / (backlog / cache)
 *
 * @param nearestBytes that all ranks stage from the beginning of a piece's write to its end, when its read may begin.
 * @param backlogBytes of all ranks together.
 */
export function meanMissedShare(nearestBytes: number, backlogBytes: number, cacheBytes: number): number {
  if (cacheBytes === 0) return 1;
  const backlog = backlogBytes / cacheBytes;
  const served = backlog === 0 ? 1 : -Math.expm1(-backlog) / backlog;
  return 1 - Math.exp(-nearestBytes / cacheBytes) * served;
}

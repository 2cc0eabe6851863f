/**
 * Kendall's tau-b of pairs (x, y): (concordant - discordant) / sqrt((n0 - n1) (n0 - n2)), where n0 is the number of pairs and n1
 * and n2 those tied in x and in y. Every pair counts, however close.
 *
 * @returns null where one side has no order at all: all its values are equal, or there is one.
 * @see Kendall, M. G. (1945), The treatment of ties in ranking problems, Biometrika 33.
 * @example kendallTauB([[1, 1], [2, 3], [3, 2]]) // (2 - 1) / 3
 */
export function kendallTauB(pairs: readonly (readonly [number, number])[]): number | null {
  let agreement = 0;
  let orderedX = 0;
  let orderedY = 0;
  for (const [index, [x, y]] of pairs.entries()) {
    for (const [otherX, otherY] of pairs.slice(index + 1)) {
      agreement += Math.sign(x - otherX) * Math.sign(y - otherY);
      orderedX += x === otherX ? 0 : 1;
      orderedY += y === otherY ? 0 : 1;
    }
  }
  return orderedX * orderedY === 0 ? null : agreement / Math.sqrt(orderedX * orderedY);
}

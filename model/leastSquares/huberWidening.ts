/**
 * Noise, also of a long-tailed kind and in a few readings, leaves more than this share. Below it the model is wrong rather
 * than the readings noisy, and no factor makes intervals right.
 */
const LEAST_SHARE = 0.75;

/**
 * How much wider intervals are because far-off readings count less.
 *
 * Huber's loss is straight where it is not square, so that a reading out there pulls with a constant force and does not
 * hold the optimum in place. Its weight in J^T W J pretends that it does: the errors come out too small by the share of
 * the weight that readings within the limit have (for normal noise 0.86; Huber 1981, section 7.6).
 *
 * @param weights of the readings at the optimum.
 * @param rootWeights square roots of what they would count if none were far off.
 * @example huberWidening([1, 1, 1, 0.5], [1, 1, 1, 1]) // 3.5 / 3 = 1.167
 */
export function huberWidening(weights: readonly number[], rootWeights: readonly number[]): number {
  let all = 0;
  let within = 0;
  for (const [row, weight] of weights.entries()) {
    all += weight;
    if (weight > (1 - 1e-9) * rootWeights[row]! ** 2) within += weight;
  }
  return all === 0 ? 1 : 1 / Math.max(LEAST_SHARE, within / all);
}

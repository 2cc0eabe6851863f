import { median, medianAbsoluteDeviation } from 'simple-statistics';

/**
 * The step that rounds agree on: the median of all visits. On a machine that others share single rounds are disturbed, mostly
 * to the slow side; a mean would let one of them decide.
 *
 * @param visitS median step of each round of all runs, seconds; a round of many steps counts like one of few.
 */
export function middleVisitS(visitS: readonly number[]): number {
  return median([...visitS]);
}

/**
 * How far visits lie from their middle: median of |visit - median| / median. Of two visits it is half their distance, as
 * with the mean; of more, nearly half may be disturbed without a say in it. It says how well the rounds agree,
 * not how well their median is known, which is better.
 *
 * @returns null for one visit, which says nothing of its noise.
 *
 * @example visitNoise([9.9e-3, 10.1e-3]) // 0.01
 * @example visitNoise([9.9e-3, 10e-3, 14e-3]) // 0.01
 */
export function visitNoise(visitS: readonly number[]): number | null {
  if (visitS.length < 2) return null;
  return medianAbsoluteDeviation([...visitS]) / middleVisitS(visitS);
}

import { mean } from 'simple-statistics';

/**
 * How far rounds of one run are from their own mean: mean of |visit - mean| / mean. No prediction can be asked to come
 * closer than that.
 *
 * Rounds of one process share its day, its clocks and its memory layout, so that two runs differ by more.
 *
 * @param visitS median step of each round, seconds.
 * @returns null for one round, which says nothing of its noise.
 *
 * @example noiseFloor([9.9e-3, 10.1e-3]) // 0.01
 */
export function noiseFloor(visitS: readonly number[]): number | null {
  if (visitS.length < 2) return null;
  const middleS = mean([...visitS]);
  return mean(visitS.map((seconds) => Math.abs(seconds - middleS))) / middleS;
}

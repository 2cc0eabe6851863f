import { max, mean, median, quantile } from 'simple-statistics';

/** How far predictions are from measurements, as fractions of what was measured. */
export interface ErrorStatistics {
  n: number;
  /** Mean absolute percentage error: mean of |predicted / measured - 1|. */
  mape: number;
  /** Mean of predicted / measured - 1: positive where predictions are too slow. */
  bias: number;
  /** Of the absolute errors; so are the next two. */
  median: number;
  p95: number;
  largest: number;
}

/**
 * Summary of signed relative errors.
 *
 * @param errors predicted / measured - 1, one for each measurement.
 * @returns null for no errors at all, of which nothing can be said.
 *
 * @example errorStatistics([0.01, -0.03]) // mape 0.02, bias -0.01
 */
export function errorStatistics(errors: readonly number[]): ErrorStatistics | null {
  if (errors.length === 0) return null;
  const sizes = errors.map(Math.abs);
  return {
    n: errors.length,
    mape: mean(sizes),
    bias: mean([...errors]),
    median: median(sizes),
    p95: quantile(sizes, 0.95),
    largest: max(sizes),
  };
}

import type { Optimum } from './levenbergMarquardt.ts';
import { eigen, inverse, normalEquations } from './normalEquations.ts';

/** A cluster's residuals are met exactly in a direction in which they keep less than this share of their noise. */
const MET_EXACTLY = 1e-6;

/**
 * Standard errors of the parameters on their lines, from N readings in G clusters and K parameters.
 *
 * - Readings each by itself: the covariance s^2 (J^T W J)^-1, where s^2 has N - K degrees of freedom.
 * - Clusters of several readings: the larger of that and the cluster-robust sandwich A^-1 (sum over clusters of u u^T) A^-1,
 *   where A = J^T W J and u is what a cluster's residuals would move (Liang and Zeger 1986). Residuals are made as large as
 *   they would be if the cluster had not drawn the fit to itself: the factor (I - H)^-1/2, with H the cluster's block of the
 *   hat matrix (Bell and McCaffrey 2002, CR2). The one factor G/(G-1) (N-1)/(N-K) for all clusters does not see that a case
 *   at the end of a range draws the fit more than others.
 *
 * A parameter that a single cluster decides leaves no residual there: the sandwich takes it for exact, s^2 does not.
 *
 * @param clusters rows of the readings that count, by cluster.
 * @returns null where the normal matrix has no inverse.
 */
export function standardErrors(
  jacobian: readonly (readonly number[])[],
  { residuals, weights }: Optimum,
  clusters: readonly (readonly number[])[],
): number[] | null {
  const { matrix } = normalEquations(jacobian, residuals, weights);
  const inverted = inverse(matrix);
  if (inverted === null) return null;
  const rows = clusters.flat();
  const squares = rows.reduce((sum, row) => sum + weights[row]! * residuals[row]! ** 2, 0);
  const variance = squares / Math.max(1, rows.length - inverted.length);
  const independent = inverted.map((row, index) => Math.sqrt(Math.max(0, row[index]!) * variance));
  if (rows.length === clusters.length) return independent;
  const scaled = jacobian.map((slopes, row) => slopes.map((slope) => Math.sqrt(weights[row]!) * slope));
  const moves = clusters.map((cluster) => {
    const slopes = cluster.map((row) => scaled[row]!);
    const grown = withoutOwnPull(
      slopes,
      inverted,
      cluster.map((row) => Math.sqrt(weights[row]!) * residuals[row]!),
    );
    const pull = transposedTimes(slopes, grown);
    return inverted.map((row) => dot(row, pull));
  });
  return independent.map((error, index) =>
    Math.max(error, Math.sqrt(moves.reduce((sum, move) => sum + move[index]! ** 2, 0))),
  );
}

/** (I - X A^-1 X^T)^-1/2 r of one cluster, with weighted slopes X and weighted residuals r. */
function withoutOwnPull(
  slopes: readonly (readonly number[])[],
  inverted: readonly (readonly number[])[],
  residuals: readonly number[],
): number[] {
  const moved = slopes.map((row) => inverted.map((column) => dot(row, column)));
  const kept = slopes.map((_, i) =>
    slopes.map((_, j) => {
      const hat = (dot(moved[i]!, slopes[j]!) + dot(moved[j]!, slopes[i]!)) / 2;
      return (i === j ? 1 : 0) - hat;
    }),
  );
  const grown = new Array<number>(residuals.length).fill(0);
  for (const { value, vector } of eigen(kept)) {
    if (value < MET_EXACTLY) continue;
    const length = dot(vector, residuals) / Math.sqrt(value);
    for (const [row, part] of vector.entries()) grown[row]! += length * part;
  }
  return grown;
}

function transposedTimes(rows: readonly (readonly number[])[], vector: readonly number[]): number[] {
  return rows[0]!.map((_, column) => rows.reduce((sum, row, at) => sum + row[column]! * vector[at]!, 0));
}

function dot(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, index) => sum + value * other[index]!, 0);
}

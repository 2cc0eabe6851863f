import { eigen } from './normalEquations.ts';

/**
 * A direction is flat where moving along it moves the readings by less than this share of what its largest member does to
 * them by itself. For two parameters that is a correlation above 0.9998.
 *
 * The bound is not the arithmetic's, which could tell apart far less. What tells such parameters apart is a fiftieth of
 * their effect, and a model is not right to a fiftieth in how a reading depends on a parameter: it would be its error that
 * decides, which no interval sees.
 */
const TELLS_APART = 0.02;

/** Slopes by differences of a simulation are right to about this share. */
const SLOPE_ERROR = 1e-3;

/** A parameter takes part in flat directions where they make more than this share of its variance. */
const TAKES_PART = 0.5;

/** Two parameters are tied where what flat directions leave open of them correlates by more than this. */
const TIED = 0.01;

/** A parameter that is decided only together with others, by their indices. */
export interface Confounded {
  index: number;
  others: number[];
}

/**
 * Parameters that readings decide only in a combination, from the eigenvectors of the correlation matrix, whose columns of
 * slopes have length one.
 *
 * - An eigenvector v of value L moves the readings by sqrt(L), its largest member alone by max |v|. The ratio says whether
 *   it is flat. Eigenvalues by themselves do not: L of a combination of many equal members is smaller than that of a pair
 *   that is told apart as well; and a bound that grows with the number of parameters would refuse a pair because of
 *   parameters that have nothing to do with it.
 * - A parameter's variance is the sum of v^2 / L over all directions. It takes part where most of that comes from flat ones,
 *   however small its own v is (variance-decomposition proportions; Belsley, Kuh and Welsch 1980, section 3.2).
 *
 * @param matrix J^T W J, its diagonal above zero.
 * @example confounded([[1, 0.9999, 0], [0.9999, 1, 0], [0, 0, 1]]) // [{ index: 0, others: [1] }, { index: 1, others: [0] }]
 */
export function confounded(matrix: readonly (readonly number[])[]): Confounded[] {
  if (matrix.length < 2) return [];
  const scale = matrix.map((row, index) => Math.sqrt(row[index]!));
  const directions = eigen(matrix.map((row, i) => row.map((value, j) => value / (scale[i]! * scale[j]!))));
  const flat = directions.filter(
    ({ value, vector }) => Math.sqrt(Math.max(0, value)) < TELLS_APART * Math.max(...vector.map(Math.abs)),
  );
  const varianceOf = (index: number) => covariance(directions, index, index);
  const taking = [...matrix.keys()].filter(
    (index) => covariance(flat, index, index) > TAKES_PART * varianceOf(index),
  );
  return taking.map((index) => {
    const own = covariance(flat, index, index);
    const tied = (other: number) =>
      Math.abs(covariance(flat, index, other)) > TIED * Math.sqrt(own * covariance(flat, other, other));
    return { index, others: taking.filter((other) => other !== index && tied(other)) };
  });
}

/** What directions leave open of two parameters. A direction as flat as slopes are wrong has no length of its own. */
function covariance(
  directions: readonly { value: number; vector: readonly number[] }[],
  one: number,
  other: number,
): number {
  return directions.reduce(
    (sum, { value, vector }) => sum + (vector[one]! * vector[other]!) / Math.max(value, SLOPE_ERROR ** 2),
    0,
  );
}

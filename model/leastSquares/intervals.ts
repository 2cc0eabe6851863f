import { quantileSorted } from 'simple-statistics';
import { standardErrors } from './covariance.ts';
import { huberWidening } from './huberWidening.ts';
import type { Optimum } from './levenbergMarquardt.ts';
import { randomNumbers } from './multiStart.ts';
import { dampedStep, normalEquations } from './normalEquations.ts';
import type { Residuals } from './residuals.ts';

/** Half of a 95 % interval of a normal distribution, in standard deviations. */
const NORMAL_95 = 1.96;

/** Of what the readings say about a parameter, a sample must hold so much. */
const LEAST_SHARE = 0.2;

/** How far below and above the optimum each parameter may lie, on its line. */
export interface Spread {
  below: number;
  above: number;
}

/**
 * 95 % intervals on the parameters' lines: the wider of two on each side.
 *
 * - By resampling clusters of readings with replacement, each sample refitted by one Gauss-Newton step from the optimum;
 *   percentiles, widened as few clusters ask for.
 * - By the covariance, which counts what readings of a cluster share, and Student's distribution with as many degrees of
 *   freedom as clusters leave.
 *
 * The first sees noise that clusters share and readings that are noisier than others, the second does not run out of
 * samples where readings are few. Both are about noise, not about a wrong model.
 *
 * @param clusters rows of the readings that count, by cluster.
 * @returns null where the normal matrix has no inverse.
 */
export function intervals(
  problem: Residuals,
  optimum: Optimum,
  clusters: readonly (readonly number[])[],
  samples: number,
  seed: number,
): Spread[] | null {
  const count = problem.parameters.length;
  const jacobian = problem.jacobianAt(optimum.places);
  const free = Math.max(1, clusters.length - count);
  const student = studentQuantile95(free);
  const errors = standardErrors(jacobian, optimum, clusters);
  if (errors === null) return null;
  const wider = huberWidening(optimum.weights, problem.rootWeights);
  const byCovariance = errors.map((error) => wider * student * error);
  const whole = normalEquations(jacobian, optimum.residuals, optimum.weights);
  const random = randomNumbers(seed);
  const steps: number[][] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    const times = new Array<number>(optimum.residuals.length).fill(0);
    for (let draw = 0; draw < clusters.length; draw += 1) {
      for (const row of clusters[Math.floor(random() * clusters.length)]!) times[row]! += 1;
    }
    const weights = optimum.weights.map((weight, row) => weight * times[row]!);
    const equations = normalEquations(jacobian, optimum.residuals, weights);
    // A sample that happens to lack most readings of a parameter says nothing about it.
    const lacks = equations.matrix.some(
      (row, index) => row[index]! < LEAST_SHARE * whole.matrix[index]![index]!,
    );
    const step = lacks ? null : dampedStep(equations, 0);
    if (step !== null) steps.push(step);
  }
  const widen = wider * (student / NORMAL_95) * Math.sqrt(clusters.length / free);
  return byCovariance.map((half, index) => {
    const sorted = steps.map((step) => step[index]!).sort((a, b) => a - b);
    if (sorted.length < samples / 2) return { below: half, above: half };
    return {
      below: Math.max(half, -widen * quantileSorted(sorted, 0.025)),
      above: Math.max(half, widen * quantileSorted(sorted, 0.975)),
    };
  });
}

/**
 * The 97.5 % quantile of Student's distribution: exact for one and two degrees of freedom, else the expansion in their
 * inverse up to the fourth power (Abramowitz and Stegun 26.7.5), right to 0.12 %.
 */
export function studentQuantile95(free: number): number {
  if (free <= 1) return 12.706;
  if (free <= 2) return 4.303;
  const z = NORMAL_95;
  const first = (z ** 3 + z) / 4;
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  const fourth = (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160;
  return z + first / free + second / free ** 2 + third / free ** 3 + fourth / free ** 4;
}

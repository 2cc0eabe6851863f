import { medianAbsoluteDeviation } from 'simple-statistics';
import { dampedStep, normalEquations } from './normalEquations.ts';
import type { Residuals } from './residuals.ts';
import { withinBounds } from './transform.ts';

const MOST_ITERATIONS = 60;
/** Rounds in which the scale of "far off" follows the residuals. */
const SCALE_ROUNDS = 4;
/** A search has arrived when its cost falls by less than this share, and its step is this small. */
const COST_SETTLES = 1e-6;
const STEP_SETTLES = 1e-5;
const FIRST_DAMPING = 1e-3;
const MOST_DAMPING = 1e8;
/** Residuals within so many standard deviations count squared, those beyond in proportion (Huber). */
const HUBER = 1.345;
/** From the median absolute deviation to a normal distribution's standard deviation. */
const MAD_TO_SIGMA = 1.4826;

export interface Optimum {
  places: number[];
  residuals: number[];
  /** How much each reading counts at the optimum: its weight, less where it is far off. */
  weights: number[];
  cost: number;
  iterations: number;
  converged: boolean;
}

/**
 * Weighted least squares by Levenberg and Marquardt, on the parameters' lines and within their bounds.
 *
 * With `robust`, Huber's loss: its scale is 1.345 standard deviations, judged by the median absolute deviation and
 * taken anew until it stands still.
 *
 * A step to where the model predicts no number above zero is not taken; a shorter one is tried.
 *
 * @throws Error where it does so at `from`.
 */
export function minimise(problem: Residuals, from: readonly number[], robust: boolean): Optimum {
  let best = descend(problem, from, Number.POSITIVE_INFINITY);
  let iterations = best.iterations;
  for (let round = 0; robust && round < SCALE_ROUNDS; round += 1) {
    const limit = HUBER * sigmaOf(best.residuals, problem.rootWeights);
    // Where most readings are met exactly there is no noise to judge others by.
    if (limit < 1e-9) break;
    const before = best;
    best = descend(problem, before.places, limit);
    iterations += best.iterations;
    const moved = Math.max(...best.places.map((place, index) => Math.abs(place - before.places[index]!)));
    if (moved < 100 * STEP_SETTLES) break;
  }
  return { ...best, iterations };
}

/** @param limit beyond which a weighted residual counts in proportion; infinite for plain squares. */
function descend(problem: Residuals, from: readonly number[], limit: number): Optimum {
  const { parameters, rootWeights } = problem;
  let places = from.map((place, index) => withinBounds(parameters[index]!, place));
  let residuals = problem.at(places);
  let cost = costOf(residuals, rootWeights, limit);
  let damping = FIRST_DAMPING;
  let iterations = 0;
  let converged = parameters.length === 0;
  while (!converged && iterations < MOST_ITERATIONS) {
    iterations += 1;
    const weights = weightsOf(residuals, rootWeights, limit);
    const equations = normalEquations(problem.jacobianAt(places), residuals, weights);
    let improved = false;
    while (!improved && damping < MOST_DAMPING) {
      const step = dampedStep(equations, damping);
      if (step === null) {
        damping *= 10;
        continue;
      }
      const next = places.map((place, index) => withinBounds(parameters[index]!, place + step[index]!));
      const nextResiduals = problem.tryAt(next);
      const nextCost = nextResiduals === null ? null : costOf(nextResiduals, rootWeights, limit);
      if (nextResiduals === null || nextCost === null || nextCost > cost) {
        damping *= 4;
        continue;
      }
      improved = true;
      const moved = Math.max(...next.map((place, index) => Math.abs(place - places[index]!)));
      converged = cost - nextCost <= COST_SETTLES * cost || moved < STEP_SETTLES;
      [places, residuals, cost] = [next, nextResiduals, nextCost];
      damping = Math.max(damping / 6, 1e-9);
    }
    // No step however small makes it better: this is the bottom.
    if (!improved) converged = true;
  }
  return {
    ...{ places, residuals, cost, iterations, converged },
    weights: weightsOf(residuals, rootWeights, limit),
  };
}

/** Noise of the weighted residuals, judged by the readings that count: the others' zeros would make it small. */
function sigmaOf(residuals: readonly number[], rootWeights: readonly number[]): number {
  const scaled = residuals.flatMap((residual, row) =>
    rootWeights[row]! > 0 ? [residual * rootWeights[row]!] : [],
  );
  return MAD_TO_SIGMA * medianAbsoluteDeviation(scaled);
}

function costOf(residuals: readonly number[], rootWeights: readonly number[], limit: number): number {
  return residuals.reduce((sum, residual, row) => {
    const size = Math.abs(residual * rootWeights[row]!);
    return sum + (size <= limit ? size ** 2 : 2 * limit * size - limit ** 2);
  }, 0);
}

function weightsOf(residuals: readonly number[], rootWeights: readonly number[], limit: number): number[] {
  return residuals.map((residual, row) => {
    const size = Math.abs(residual * rootWeights[row]!);
    return rootWeights[row]! ** 2 * (size <= limit ? 1 : limit / size);
  });
}

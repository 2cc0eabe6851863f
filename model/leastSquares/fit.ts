import { checkParameters } from './checkParameters.ts';
import { tooWide, undecided } from './identifiability.ts';
import { intervals } from './intervals.ts';
import { multiStart } from './multiStart.ts';
import type { FitOptions, FitProblem, FitResult, Unidentified } from './problem.ts';
import { residualsOf, weightsOf } from './residuals.ts';
import { fromLine } from './transform.ts';

/**
 * Fits parameters to readings by robust weighted least squares on relative residuals, from several starts, with 95 %
 * intervals. A parameter that the readings cannot decide is refused by name: it keeps its start, and the others are fitted
 * again without it. The same problem always gives the same result.
 *
 * @throws Error where no reading counts, a weight is not a number from 0 on, or a measured number, or one predicted at the
 *   start, is not above zero.
 * @throws UserError for a parameter whose bounds or start are at odds.
 */
export function fit<Reading>(
  problem: FitProblem<Reading>,
  { seed = 1, starts = 4, samples = 200, robust = true }: FitOptions = {},
): FitResult {
  if (problem.readings.length === 0) throw new Error('a fit needs readings');
  checkParameters(problem.parameters);
  const clusters = clustersOf(problem);
  if (clusters.length === 0) throw new Error('a fit needs readings that count; every weight is 0');
  const unidentified: Unidentified[] = [];
  for (;;) {
    const parameters = problem.parameters.filter(
      ({ name }) => !unidentified.some((other) => other.name === name),
    );
    const fixed = Object.fromEntries(
      problem.parameters
        .filter((parameter) => !parameters.includes(parameter))
        .map(({ name, start, refusedAt = start }) => [name, refusedAt]),
    );
    const residuals = residualsOf(problem, parameters, fixed);
    const { best, agreed } = multiStart(residuals, starts, seed, robust);
    const refused = refusedAt(residuals, best, parameters.length, clusters.length);
    const spreads = refused.length > 0 ? null : intervals(residuals, best, clusters, samples, seed);
    if (refused.length === 0 && spreads === null)
      refused.push(
        ...parameters.map(({ name }) => ({ name, why: 'the readings decide no parameter by itself' })),
      );
    if (spreads !== null) refused.push(...tooWide(residuals, best, spreads));
    if (refused.length > 0) {
      unidentified.push(...refused);
      continue;
    }
    return {
      parameters: parameters.map((parameter, index) => ({
        name: parameter.name,
        value: fromLine(parameter, best.places[index]!),
        low95: fromLine(parameter, best.places[index]! - spreads![index]!.below),
        high95: fromLine(parameter, best.places[index]! + spreads![index]!.above),
      })),
      unidentified,
      residuals: best.residuals,
      rms: Math.sqrt(
        best.residuals.reduce((sum, residual) => sum + residual ** 2, 0) / best.residuals.length,
      ),
      iterations: best.iterations,
      converged: best.converged,
      startsAgreed: agreed,
      starts,
    };
  }
}

function refusedAt(
  residuals: Parameters<typeof undecided>[0],
  best: Parameters<typeof undecided>[1],
  parameters: number,
  clusters: number,
): Unidentified[] {
  if (parameters === 0) return [];
  if (clusters <= parameters) {
    return residuals.parameters.map(({ name }) => ({
      name,
      why: `${clusters} independent readings cannot decide ${parameters} parameters`,
    }));
  }
  return undecided(residuals, best);
}

/** Rows of the readings of each cluster; those that weigh nothing decide nothing and are in none. */
function clustersOf<Reading>(problem: FitProblem<Reading>): number[][] {
  const weights = weightsOf(problem);
  const clusters = new Map<string, number[]>();
  for (const [row, reading] of problem.readings.entries()) {
    if (weights[row] === 0) continue;
    const name = problem.cluster?.(reading) ?? String(row);
    const rows = clusters.get(name);
    if (rows === undefined) clusters.set(name, [row]);
    else rows.push(row);
  }
  return [...clusters.values()];
}

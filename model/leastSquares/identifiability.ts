import type { Spread } from './intervals.ts';
import type { Optimum } from './levenbergMarquardt.ts';
import { eigen, normalEquations } from './normalEquations.ts';
import type { Unidentified } from './problem.ts';
import type { Residuals } from './residuals.ts';
import { fromLine, isAtBound } from './transform.ts';

/** A parameter whose whole line moves no reading by more than this has no effect. */
const NO_EFFECT = 1e-6;
/** Directions this much flatter than the steepest are not decided, whatever the noise. */
const FLAT = 1e-7;
/** An interval on a factor's or a share's line that is wider decides nothing: from a third to three times. */
const WIDEST = 2 * Math.log(3);
/** Share of a flat direction from which on a parameter takes part in it. */
const TAKES_PART = 0.3;

/**
 * Parameters that the readings cannot decide, by name and with the reason: nothing depends on them, only a combination of
 * several matters, or the search ran into a bound.
 */
export function undecided(problem: Residuals, optimum: Optimum): Unidentified[] {
  const { parameters } = problem;
  const { matrix } = normalEquations(problem.jacobianAt(optimum.places), optimum.residuals, optimum.weights);
  const values = problem.valuesAt(optimum.places);
  const found: Unidentified[] = [];
  for (const [index, { name }] of parameters.entries()) {
    if (Math.sqrt(matrix[index]![index]!) < NO_EFFECT) found.push({ name, why: 'no reading depends on it' });
  }
  if (found.length > 0) return found;
  const scale = matrix.map((row, index) => Math.sqrt(row[index]!));
  const correlations = matrix.map((row, i) => row.map((value, j) => value / (scale[i]! * scale[j]!)));
  for (const { value, vector } of parameters.length > 1 ? eigen(correlations) : []) {
    if (value > FLAT * parameters.length) continue;
    const together = parameters
      .filter((_, index) => Math.abs(vector[index]!) > TAKES_PART)
      .map(({ name }) => name);
    for (const name of together) {
      if (found.some((other) => other.name === name)) continue;
      const others = together.filter((other) => other !== name).join(', ');
      found.push({ name, why: `the readings decide it only together with ${others}` });
    }
  }
  if (found.length > 0) return found;
  for (const parameter of parameters) {
    const value = values[parameter.name]!;
    if (!isAtBound(parameter, value)) continue;
    found.push({
      name: parameter.name,
      why: `the readings push it to its bound ${Number(value.toPrecision(4))}`,
    });
  }
  return found;
}

/** Parameters whose intervals are so wide that their values say nothing. */
export function tooWide(
  { parameters }: Residuals,
  { places }: Optimum,
  spreads: readonly Spread[],
): Unidentified[] {
  return parameters.flatMap((parameter, index) => {
    const { below, above } = spreads[index]!;
    const widest = parameter.scale === 'linear' ? 0.5 * (parameter.high - parameter.low) : WIDEST;
    if (below + above <= widest) return [];
    const at = (move: number) => Number(fromLine(parameter, places[index]! + move).toPrecision(3));
    return [{ name: parameter.name, why: `its 95 % interval reaches from ${at(-below)} to ${at(above)}` }];
  });
}

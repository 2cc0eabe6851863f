import { confounded } from './confounded.ts';
import type { Spread } from './intervals.ts';
import type { Optimum } from './levenbergMarquardt.ts';
import { normalEquations } from './normalEquations.ts';
import type { Unidentified } from './problem.ts';
import type { Residuals } from './residuals.ts';
import { fromLine, isAtBound } from './transform.ts';

/** A parameter whose whole line moves no reading by more than this has no effect. */
const NO_EFFECT = 1e-6;
/** An interval on a factor's or a share's line that is wider decides nothing: from a third to three times. */
const WIDEST = 2 * Math.log(3);
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
  for (const { index, others } of confounded(matrix)) {
    const together = others.map((other) => parameters[other]!.name).join(', ');
    found.push({
      name: parameters[index]!.name,
      why: `the readings decide it only together with ${together}`,
    });
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

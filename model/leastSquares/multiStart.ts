import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { minimise, type Optimum } from './levenbergMarquardt.ts';
import type { Parameter } from './problem.ts';
import type { Residuals } from './residuals.ts';
import { toLine, withinBounds } from './transform.ts';

/** Random starts lie within this factor of the given one, or this far away on a share's line. */
const SPREAD = Math.log(3);
/** Searches whose costs differ by less than this share ended at the same place. */
const SAME_COST = 1e-3;

export interface Search {
  best: Optimum;
  agreed: number;
  starts: number;
}

/**
 * Searches from the given start and from random ones around it, and keeps the best. A random start where the model predicts
 * no number above zero is passed over; it counts as one that did not agree.
 *
 * @throws Error where the model does so at the given start.
 */
export function multiStart(problem: Residuals, starts: number, seed: number, robust: boolean): Search {
  const random = randomNumbers(seed);
  const given = problem.parameters.map((parameter) => toLine(parameter, parameter.start));
  const found = [minimise(problem, given, robust)];
  for (let start = 1; start < starts; start += 1) {
    const from = given.map((place, at) => scattered(problem.parameters[at]!, place, random));
    if (problem.tryAt(from) !== null) found.push(minimise(problem, from, robust));
  }
  const best = found.reduce((kept, other) => (other.cost < kept.cost ? other : kept));
  const agreed = found.filter(({ cost }) => cost <= best.cost * (1 + SAME_COST) + 1e-15).length;
  return { best, agreed, starts };
}

function scattered(parameter: Parameter, place: number, random: () => number): number {
  const spread = parameter.scale === 'linear' ? 0.25 * (parameter.high - parameter.low) : SPREAD;
  return withinBounds(parameter, place + (2 * random() - 1) * spread);
}

/** Numbers in [0, 1) that a seed decides. Small seeds begin badly, so the first draws are not used. */
export function randomNumbers(seed: number): () => number {
  const generator = xoroshiro128plus(Math.imul(seed + 1, 0x9e3779b1));
  for (let draw = 0; draw < 16; draw += 1) uniformFloat64(generator);
  return () => uniformFloat64(generator);
}

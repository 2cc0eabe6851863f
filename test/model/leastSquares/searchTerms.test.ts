import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { minimise, type Optimum } from '../../../model/leastSquares/levenbergMarquardt.ts';
import { multiStart } from '../../../model/leastSquares/multiStart.ts';
import type { Parameter } from '../../../model/leastSquares/problem.ts';
import { type Residuals, residualsOf } from '../../../model/leastSquares/residuals.ts';
import { fromLine, toLine, withinBounds } from '../../../model/leastSquares/transform.ts';

const near = (value: number, expected: number, within = 1e-4) =>
  assert.ok(Math.abs(value - expected) < within, `expected ${expected}, got ${value}`);

const place: Parameter = { name: 'p', start: 0.9, low: -4, high: 4, scale: 'linear' };

/** Residuals that are given as functions of a place. */
function problemOf(residuals: ((p: number) => number)[], parameter = place): Residuals {
  return residualsOf(
    {
      ...{ parameters: [parameter], readings: residuals, measured: () => 1 },
      predict: (values, of) => of.map((residual) => Math.exp(residual(values.p!))),
    },
    [parameter],
    {},
  );
}

const search = suite('a search for the least squares');

search('a step that makes it worse is taken back: atan(p) from 3, where Newton ends beyond -9', () => {
  const wide = { ...place, low: -100, high: 100 };
  const { places, converged } = minimise(problemOf([Math.atan], wide), [3], false);
  assert.ok(converged);
  near(places[0]!, 0);
});

/** A level among readings at 0, of which some lie far off: offsets from the level are the residuals. */
const OFFSETS = [-0.2, -0.1, 0, 0.1, 0.2, 5, 9];
const level = (robust: boolean): Optimum =>
  minimise(problemOf(OFFSETS.map((offset) => (p: number) => offset - p)), [0], robust);

search('without robustness every reading counts squared: the mean, each weight 1', () => {
  const { places, weights, cost, residuals } = level(false);
  near(places[0]!, 2);
  assert.equal(
    weights,
    OFFSETS.map(() => 1),
  );
  near(
    cost,
    residuals.reduce((sum, residual) => sum + residual ** 2, 0),
  );
});

search(
  'a reading beyond the limit L weighs L / |r|, and costs 2 L |r| - L^2, as much as L^2 at the limit',
  () => {
    const { weights, residuals, cost } = level(true);
    assert.equal(
      weights.slice(0, 5).map((weight) => weight === 1),
      [true, true, true, true, true],
    );
    const limit = weights[6]! * residuals[6]!;
    assert.ok(limit > 0.2 && limit < 1, String(limit));
    near(weights[5]! * residuals[5]!, limit, 1e-9);
    near(
      cost,
      residuals.reduce((sum, residual) => {
        const size = Math.abs(residual);
        return sum + (size <= limit ? size ** 2 : 2 * limit * size - limit ** 2);
      }, 0),
      1e-6,
    );
  },
);

search('of several searches the best is kept, and those count as agreed that ended there', () => {
  // (p^2 - 1)^2 + 0.3 (p + 1): nothing is left at -1, 0.6 near 1, where the given start leads.
  const wells = problemOf([(p) => (p ** 2 - 1) ** 2 + 0.3 * (p + 1)]);
  near(minimise(wells, [0.9], false).places[0]!, 0.96, 0.01);
  const { best, agreed, starts } = multiStart(wells, 8, 1, false);
  near(best.places[0]!, -1, 0.01);
  assert.is(starts, 8);
  assert.ok(agreed >= 1 && agreed < 8, String(agreed));
});

search.run();

const lines = suite('lines that a search walks on');

for (const parameter of [
  { name: 'factor', start: 1, low: 0.1, high: 10, scale: 'log' },
  { name: 'share', start: 0.5, low: 0.2, high: 0.8, scale: 'logit' },
  { name: 'offset', start: 0, low: -1, high: 5, scale: 'linear' },
] satisfies Parameter[]) {
  lines(`${parameter.scale}: there and back again`, () => {
    for (const share of [0.1, 0.5, 0.9]) {
      const value = parameter.low + share * (parameter.high - parameter.low);
      near(fromLine(parameter, toLine(parameter, value)), value, 1e-9);
    }
  });
  lines(`${parameter.scale}: held at both bounds`, () => {
    near(withinBounds(parameter, -1e6), toLine(parameter, parameter.low), 1e-9);
    near(withinBounds(parameter, 1e6), toLine(parameter, parameter.high), 1e-9);
    near(
      withinBounds(parameter, toLine(parameter, parameter.start)),
      toLine(parameter, parameter.start),
      1e-9,
    );
  });
}

lines.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fit } from '../../../model/leastSquares/fit.ts';
import { tooWide, undecided } from '../../../model/leastSquares/identifiability.ts';
import type { FitProblem, Parameter } from '../../../model/leastSquares/problem.ts';
import { residualsOf } from '../../../model/leastSquares/residuals.ts';

/** y = a x^b at some x, with noise that is given. */
interface Reading {
  x: number;
  y: number;
  weight?: number;
  cluster?: string;
}

const a: Parameter = { name: 'a', start: 1, low: 1e-3, high: 1e3, scale: 'log' };
const b: Parameter = { name: 'b', start: 1, low: 0, high: 4, scale: 'linear' };

const problem = (readings: Reading[], parameters: Parameter[] = [a, b]): FitProblem<Reading> => ({
  ...{ parameters, readings, measured: ({ y }) => y },
  predict: (values, of) => of.map(({ x }) => values.a! * x ** (values.b ?? 1)),
  weight: ({ weight = 1 }) => weight,
});
const WOBBLE = [1.01, 0.99, 1.02, 0.98, 1, 1.01];
const powers = (exponent: number, count = 6): Reading[] =>
  WOBBLE.slice(0, count).map((off, index) => ({ x: index + 1, y: 2 * (index + 1) ** exponent * off }));
const quick = { starts: 1, samples: 40, robust: false };

const refusal = suite('what readings cannot decide');

const few = (count: number) => `${count} independent readings cannot decide 2 parameters`;

for (const { what, readings, why } of [
  { what: 'as many readings as parameters decide none of them', readings: powers(2, 2), why: few(2) },
  {
    what: 'readings that weigh nothing do not count',
    readings: powers(2).map((reading, index) => ({ ...reading, weight: index < 2 ? 1 : 0 })),
    why: few(2),
  },
  {
    what: 'readings of one cluster count once',
    readings: powers(2).map((reading, index) => ({ ...reading, cluster: index < 3 ? 'one' : 'other' })),
    why: few(2),
  },
]) {
  refusal(what, () => {
    const { parameters, unidentified } = fit(
      {
        ...problem(readings),
        cluster: ({ x, cluster = String(x) }) => cluster,
      },
      quick,
    );
    assert.equal(parameters, []);
    assert.equal(
      unidentified.map((one) => one.why),
      [why, why],
    );
  });
}

refusal('one reading more than parameters decides them; their intervals lie around them', () => {
  const { parameters, unidentified } = fit(
    problem(
      powers(2, 4).map((one) => ({ ...one, y: 2 * one.x ** 2 * (1 + (one.y / (2 * one.x ** 2) - 1) / 100) })),
    ),
    quick,
  );
  assert.equal(unidentified, []);
  for (const { low95, value, high95 } of parameters)
    assert.ok(low95 < value && value < high95, `${low95} ${value} ${high95}`);
});

refusal('a parameter that is refused keeps its start, at which the others are fitted', () => {
  // Cubes want b = 3, beyond its bound: it stays at 1.5, and ln a is the mean of ln 2 + (3 - 1.5) ln x.
  const readings = powers(3).map(({ x }) => ({ x, y: 2 * x ** 3 }));
  const { parameters, unidentified } = fit(problem(readings, [a, { ...b, start: 1.5, high: 2 }]), quick);
  assert.equal(unidentified, [{ name: 'b', why: 'the readings push it to its bound 2' }]);
  const logs = readings.reduce((sum, { x }) => sum + Math.log(x), 0) / readings.length;
  assert.equal(
    parameters.map(({ name }) => name),
    ['a'],
  );
  assert.ok(Math.abs(Math.log(parameters[0]!.value / 2) - 1.5 * logs) < 1e-6, `${parameters[0]!.value}`);
});

refusal('a parameter that no reading depends on', () => {
  // 1^b is 1 for any b.
  const residuals = residualsOf(problem([1, 1, 1].map((x) => ({ x, y: 2 }))), [a, b], {});
  const places = [Math.log(2), 1];
  const optimum = {
    places,
    residuals: [0, 0, 0],
    weights: [1, 1, 1],
    cost: 0,
    iterations: 1,
    converged: true,
  };
  assert.equal(undecided(residuals, optimum), [{ name: 'b', why: 'no reading depends on it' }]);
});

/** From a third to three times the value: 2 ln 3 on a logarithmic line; half of the range on a linear one. */
for (const { what, below, above, refused } of [
  { what: 'a factor of just under nine altogether', below: 1.09, above: 1.09, refused: [] },
  { what: 'more than a factor of nine, equally on both sides', below: 1.11, above: 1.11, refused: ['a'] },
  { what: 'more than a factor of nine, nearly all of it above', below: 0.1, above: 2.11, refused: ['a'] },
  { what: 'more than a factor of nine, nearly all of it below', below: 2.11, above: 0.1, refused: ['a'] },
]) {
  refusal(`an interval of ${what}`, () => {
    const residuals = residualsOf(problem(powers(1), [a]), [a], { b: 1 });
    const optimum = { places: [0], residuals: [], weights: [], cost: 0, iterations: 1, converged: true };
    assert.equal(
      tooWide(residuals, optimum, [{ below, above }]).map(({ name }) => name),
      refused,
    );
  });
}

refusal('a fit refuses what has too wide an interval, by name and with the interval', () => {
  // Readings e^3 times too large and too small: their mean is good to a factor of e^5.
  const readings = [3, -3, 3, -3].map((off) => ({ x: 1, y: 2 * Math.exp(off) }));
  const { parameters, unidentified } = fit(
    { ...problem(readings, [a]), cluster: ({ y }) => String(y) },
    quick,
  );
  assert.equal(parameters, []);
  assert.is(unidentified[0]!.name, 'a');
  const each = fit(problem(readings, [a]), quick).unidentified;
  assert.equal(
    each.map(({ name }) => name),
    ['a'],
  );
  assert.match(each[0]!.why, /its 95 % interval reaches from 0\.0\d+ to \d+/);
});

refusal.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { confounded } from '../../../model/leastSquares/confounded.ts';
import { fit } from '../../../model/leastSquares/fit.ts';
import { normalEquations } from '../../../model/leastSquares/normalEquations.ts';
import type { FitResult, Parameter } from '../../../model/leastSquares/problem.ts';
import { normalNumbers } from './normalNumbers.ts';

/** Two columns of length one that correlate, and others that have nothing to do with them. */
function pairAmong(correlation: number, unrelated: number): number[][] {
  return Array.from({ length: 2 + unrelated }, (_, i) =>
    Array.from({ length: 2 + unrelated }, (_, j) => {
      if (i === j) return 1;
      return i < 2 && j < 2 ? correlation : 0;
    }),
  );
}

const matrices = suite('parameters whose slopes nearly agree');

for (const { correlation, unrelated, refused } of [
  { correlation: 1, unrelated: 0, refused: [0, 1] },
  { correlation: 0.9999, unrelated: 0, refused: [0, 1] },
  { correlation: -0.9999, unrelated: 0, refused: [0, 1] },
  { correlation: 0.9997, unrelated: 0, refused: [] },
  // What has nothing to do with a pair changes nothing about it.
  { correlation: 0.9999, unrelated: 20, refused: [0, 1] },
  { correlation: 0.9997, unrelated: 20, refused: [] },
]) {
  const verdict = refused.length > 0 ? 'are refused' : 'are told apart';
  matrices(`two that correlate by ${correlation} ${verdict} among ${unrelated} others`, () => {
    assert.equal(
      confounded(pairAmong(correlation, unrelated)).map(({ index }) => index),
      refused,
    );
  });
}

matrices('one with a small part in a flat direction is named with the others', () => {
  // The second column is the first and 0.2 of the third: the flat direction is 1, -1 and 0.2 of them.
  const columns = [
    [1, 0, 0, 0],
    [1, 0.2, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
  ];
  const jacobian = [0, 1, 2, 3].map((row) => columns.map((column) => column[row]!));
  const none = [0, 0, 0, 0];
  assert.equal(confounded(normalEquations(jacobian, none, [1, 1, 1, 1]).matrix), [
    { index: 0, others: [1, 2] },
    { index: 1, others: [0, 2] },
    { index: 2, others: [0, 1] },
  ]);
});

matrices('two pairs are each refused with their own partner', () => {
  const matrix = [
    [1, 1, 0, 0],
    [1, 1, 0, 0],
    [0, 0, 1, -1],
    [0, 0, -1, 1],
  ];
  assert.equal(
    confounded(matrix).map(({ others }) => others),
    [[1], [0], [3], [2]],
  );
});

matrices('a product of three names all three', () => {
  const ones = [1, 1, 1];
  assert.equal(
    confounded([ones, ones, ones]).map(({ others }) => others),
    [
      [1, 2],
      [0, 2],
      [0, 1],
    ],
  );
});

matrices.run();

type Powers = Readonly<Record<string, (x: number) => number>>;

/** Fits y = the product of parameters to powers that x decides; every truth is 2, and every slope is the power. */
function fitPowers(powers: Powers, bounds: Partial<Record<string, Partial<Parameter>>> = {}): FitResult {
  const normal = normalNumbers(3);
  const xs = Array.from({ length: 24 }, (_, index) => index / 23);
  const names = Object.keys(powers);
  const logOf = (x: number, number: (name: string) => number) =>
    names.reduce((sum, name) => sum + powers[name]!(x) * Math.log(number(name)), 0);
  return fit({
    parameters: names.map((name) => ({
      ...({ name, start: 1.8, low: 0.1, high: 50, scale: 'log' } satisfies Parameter),
      ...bounds[name],
    })),
    readings: xs.map((x) => ({ x, y: Math.exp(logOf(x, () => 2) + 1e-4 * normal()) })),
    measured: ({ y }) => y,
    predict: (values, of) => of.map(({ x }) => Math.exp(logOf(x, (name) => values[name]!))),
  });
}

const whys = ({ unidentified }: FitResult) =>
  Object.fromEntries(unidentified.map(({ name, why }) => [name, why]));
const names = ({ parameters }: FitResult) => parameters.map(({ name }) => name);

const fits = suite('a fit of parameters that nearly agree');

fits('refuses two that correlate by 0.9999, however little the readings scatter', () => {
  const result = fitPowers({
    one: () => 1,
    // x - 0.5 is 1 / sqrt(12) on average: at an angle of 0.014 to the other, whose cosine is 0.9999.
    same: (x) => 1 + 0.049 * (x - 0.5),
    wave: (x) => Math.sin(9 * x),
  });
  assert.equal(whys(result), {
    one: 'the readings decide it only together with same',
    same: 'the readings decide it only together with one',
  });
  assert.equal(names(result), ['wave']);
});

fits('names a third that the other two are told apart by', () => {
  const result = fitPowers({
    one: () => 1,
    slope: (x) => x - 0.5,
    both: (x) => 1 + 0.2 * (x - 0.5),
    wave: (x) => Math.sin(9 * x),
  });
  assert.equal(Object.keys(whys(result)).sort(), ['both', 'one', 'slope']);
  assert.equal(names(result), ['wave']);
});

fits('judges the others again once one without effect is gone', () => {
  const result = fitPowers({ none: () => 0, one: () => 1, same: () => 1, wave: (x) => Math.sin(9 * x) });
  assert.equal(whys(result), {
    none: 'no reading depends on it',
    one: 'the readings decide it only together with same',
    same: 'the readings decide it only together with one',
  });
  assert.equal(names(result), ['wave']);
});

fits('fits the partner of one that ran into its bound again, with that one at its start', () => {
  const powers = { one: () => 1, slope: (x: number) => x };
  const result = fitPowers(powers, { slope: { start: 1.2, high: 1.5 } });
  assert.match(whys(result).slope!, /its bound 1.5/);
  const [one] = result.parameters;
  // Halfway up, 2 * 2^0.5 = one * 1.2^0.5.
  assert.ok(Math.abs(one!.value / (2 * Math.sqrt(2 / 1.2)) - 1) < 0.02, String(one!.value));
});

fits.run();

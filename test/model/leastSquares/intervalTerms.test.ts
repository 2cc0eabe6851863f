import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { standardErrors } from '../../../model/leastSquares/covariance.ts';
import { intervals, studentQuantile95 } from '../../../model/leastSquares/intervals.ts';
import type { Optimum } from '../../../model/leastSquares/levenbergMarquardt.ts';
import type { Residuals } from '../../../model/leastSquares/residuals.ts';

const near = (value: number, expected: number, what = 'value') =>
  assert.ok(
    Math.abs(value - expected) < 1e-9 * Math.max(1, expected),
    `${what}: expected ${expected}, got ${value}`,
  );

/** A problem that is linear in its parameters, at its optimum: slopes and residuals by reading. */
function linear(jacobian: number[][], residuals: number[]): { problem: Residuals; optimum: Optimum } {
  const none = () => assert.unreachable('a Gauss-Newton step needs no further residuals');
  return {
    problem: {
      parameters: jacobian[0]!.map((_, index) => ({
        ...{ name: `p${index}`, start: 0, low: -1e9, high: 1e9, scale: 'linear' as const },
      })),
      rootWeights: residuals.map(() => 1),
      jacobianAt: () => jacobian,
      ...{ at: none as never, tryAt: none as never, valuesAt: none as never },
    },
    optimum: {
      ...{ places: jacobian[0]!.map(() => 0), residuals, weights: residuals.map(() => 1) },
      ...{ cost: 0, iterations: 1, converged: true },
    },
  };
}
const mean = (residuals: number[]) =>
  linear(
    residuals.map(() => [1]),
    residuals,
  );
const single = (count: number) => Array.from({ length: count }, (_, row) => [row]);

/**
 * The mean of five readings, of which one lies 4 above and four lie 1 below. A sample draws the high one k times, with
 * k binomial (5, 1/5), and moves the mean by 1 - k: the probabilities of k = 0, 1, 2, 3, 4 are 0.33, 0.41, 0.20, 0.051, 0.006. So
 * the 2.5 % quantile of the move is -2 (the 10 % one -1) and the 97.5 % quantile 1. Samples are widened by
 * t / 1.96 x sqrt(5 / 4), where t = 2.776 is Student's quantile for 5 - 1 degrees of freedom.
 *
 * By covariance: s^2 = 20 / 4, the error of the mean sqrt(5 / 5) = 1, half an interval t.
 */
const LOPSIDED = [4, -1, -1, -1, -1];
const T4 = studentQuantile95(4);
const BY_SAMPLES = 2 * (T4 / 1.96) * Math.sqrt(5 / 4);

const spreads = suite('95 % intervals, each end by what decides it');

for (const { what, residuals, below, above } of [
  { what: 'samples decide below, the covariance above', residuals: LOPSIDED, below: BY_SAMPLES, above: T4 },
  {
    what: 'the covariance decides below, samples above',
    residuals: LOPSIDED.map((residual) => -residual),
    below: T4,
    above: BY_SAMPLES,
  },
]) {
  spreads(what, () => {
    const { problem, optimum } = mean(residuals);
    const [found] = intervals(problem, optimum, single(5), 2000, 1)!;
    near(found!.below, below, 'below');
    near(found!.above, above, 'above');
  });
}

spreads('whole clusters are drawn: what cancels within each of them moves nothing', () => {
  // Each reading of before twice, 10 up and 10 down: a cluster's mean is what it was.
  const residuals = LOPSIDED.flatMap((residual) => [residual + 10, residual - 10]);
  const { problem, optimum } = mean(residuals);
  const clusters = LOPSIDED.map((_, cluster) => [2 * cluster, 2 * cluster + 1]);
  const [found] = intervals(problem, optimum, clusters, 500, 1)!;
  // Drawn one by one, ten readings of +-10 would move their mean by +-9 and more. By covariance of ten readings by
  // themselves: s^2 = (2 x 20 + 10 x 100) / 9, over 10.
  const half = T4 * Math.sqrt(1040 / 9 / 10);
  near(found!.below, half, 'below');
  near(found!.above, half, 'above');
});

spreads('samples that lack most of what is known of a parameter say nothing', () => {
  // All but 2 % of what is known comes from the first reading: without it the other two move the parameter by 10.
  const { problem, optimum } = linear([[1], [0.1], [0.1], [0], [0], [0]], [0, 1, -1, 0, 0, 0]);
  const [found] = intervals(problem, optimum, single(6), 500, 1)!;
  // s^2 = 2 / 5 over 1.02.
  const half = studentQuantile95(5) * Math.sqrt(2 / 5 / 1.02);
  near(found!.below, half, 'below');
  near(found!.above, half, 'above');
});

spreads('where fewer than half of the samples count, the covariance decides alone', () => {
  // Three parameters that a reading each decides: of six draws from six readings, a quarter have all three. A weak reading
  // would pull the first parameter down by its residual, by more than half of the interval where it is drawn often.
  const jacobian = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
    [0.4, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ];
  const { problem, optimum } = linear(jacobian, [-0.4, 0, 0, 1, 0, 0]);
  const [found] = intervals(problem, optimum, single(6), 400, 1)!;
  const half = studentQuantile95(3) * Math.sqrt((0.4 ** 2 + 1) / (6 - 3) / (1 + 0.4 ** 2));
  near(found!.below, half, 'below');
  near(found!.above, half, 'above');
});

spreads.run();

const errors = suite('standard errors, each term by what decides it');

errors('readings by themselves: residuals count by their weights, parameters as fitted', () => {
  // (2 x 1 + 3 x 4 + 1 x 0) / (3 - 1) over the sum of weights.
  const { optimum } = mean([1, -2, 0]);
  optimum.weights = [2, 3, 1];
  near(standardErrors([[1], [1], [1]], optimum, single(3))![0]!, Math.sqrt(14 / 2 / 6));
});

errors('clusters: a mean is as sure as G cluster means, sqrt(sum of squares / (G (G - 1)))', () => {
  const { optimum } = mean([3, 3, -1, -1, -2, -2]);
  const found = standardErrors([[1], [1], [1], [1], [1], [1]], optimum, [
    [0, 1],
    [2, 3],
    [4, 5],
  ])!;
  near(found[0]!, Math.sqrt(14 / 6));
});

errors('a parameter that one cluster alone moves is as sure as readings by themselves', () => {
  // What the cluster's own residuals say of it cancels: the clusters alone would call it as sure as the common level.
  const residuals = [0.1, 0, -0.1, 0, 0.3, -0.3];
  const jacobian = [0, 0, 0, 0, 1, 1].map((own) => [1, own]);
  const { optimum } = linear(jacobian, residuals);
  const [, own] = standardErrors(jacobian, optimum, [
    [0, 1],
    [2, 3],
    [4, 5],
  ])!;
  // The sum of squares 0.2 over 6 - 2; the inverse of [[6, 2], [2, 2]] is 0.75 there.
  near(own!, Math.sqrt((0.2 / 4) * 0.75));
});

errors.run();

const student = suite("Student's 97.5 % quantile");

/** scipy.stats.t.ppf(0.975, free) to six digits, and how well each is met. */
for (const [free, quantile, within] of [
  [1, 12.7062, 5e-5],
  [2, 4.30265, 1e-4],
  [3, 3.18245, 1.2e-3],
  [4, 2.77645, 3e-4],
  [6, 2.44691, 3e-5],
  [30, 2.04227, 2.2e-5],
] as const) {
  student(`with ${free} degrees of freedom, within ${within}`, () => {
    const found = studentQuantile95(free);
    assert.ok(Math.abs(found / quantile - 1) < within, `${found}, expected ${quantile}`);
  });
}

student.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { standardErrors } from '../../../model/leastSquares/covariance.ts';
import { fit } from '../../../model/leastSquares/fit.ts';
import { huberWidening } from '../../../model/leastSquares/huberWidening.ts';
import type { FitProblem } from '../../../model/leastSquares/problem.ts';
import { normalNumbers } from './normalNumbers.ts';

interface Timed {
  bytes: number;
  seconds: number;
}

const TRUTH = { startUp: 9.5e-6, bytesPerS: 24.3e9 };
const PROBLEMS = 200;
const REPEATS = 4;

/** Repeats of messages from 1 KiB to 4 GiB: noise that the repeats of one size share, and noise of their own. */
function repeatedReadings(seed: number, sizes: number, shared: number, own: number): Timed[] {
  const normal = normalNumbers(seed);
  return Array.from({ length: sizes }, (_, index) => 1024 * 4 ** ((11 * index) / (sizes - 1))).flatMap(
    (bytes) => {
      const common = shared * normal();
      return Array.from({ length: REPEATS }, () => ({
        bytes,
        seconds: (TRUTH.startUp + bytes / TRUTH.bytesPerS) * Math.exp(common + own * normal()),
      }));
    },
  );
}

function alphaBeta(readings: readonly Timed[]): FitProblem<Timed> {
  return {
    parameters: [
      { name: 'startUp', start: 50e-6, low: 1e-7, high: 1e-2, scale: 'log' },
      { name: 'bytesPerS', start: 5e9, low: 1e8, high: 1e12, scale: 'log' },
    ],
    readings,
    measured: ({ seconds }) => seconds,
    predict: (values, of) => of.map(({ bytes }) => values.startUp! + bytes / values.bytesPerS!),
    cluster: ({ bytes }) => String(bytes),
  };
}

const coverage = suite(`95 % intervals of ${PROBLEMS} problems of 8 to 12 clusters`);

for (const { what, shared, own } of [
  { what: 'noise that a cluster shares', shared: 0.05, own: 0 },
  { what: 'noise that a cluster mostly shares', shared: 0.05, own: 0.02 },
  { what: 'noise of its own in every reading', shared: 0, own: 0.05 },
]) {
  coverage(`hold the truth of each parameter in 91 % or more, with ${what}`, () => {
    const inside = { startUp: 0, bytesPerS: 0 };
    for (let seed = 0; seed < PROBLEMS; seed += 1) {
      const readings = repeatedReadings(seed, 8 + (seed % 5), shared, own);
      const { parameters } = fit(alphaBeta(readings), { starts: 1, samples: 100 });
      for (const { name, low95, high95 } of parameters) {
        const truth = TRUTH[name as keyof typeof TRUTH];
        if (low95 <= truth && truth <= high95) inside[name as keyof typeof TRUTH] += 1;
      }
    }
    assert.ok(Math.min(...Object.values(inside)) >= 0.91 * PROBLEMS, JSON.stringify(inside));
  });
}

coverage.run();

const errors = suite('standard errors');

/** An optimum of one parameter that is a mean: its slopes are 1. */
const meanOf = (residuals: readonly number[], clusters: readonly (readonly number[])[]) =>
  standardErrors(
    residuals.map(() => [1]),
    {
      ...{ places: [0], residuals: [...residuals], weights: residuals.map(() => 1) },
      ...{ cost: 0, iterations: 0, converged: true },
    },
    clusters,
  )![0]!;

const CLUSTER_MEANS = [-0.3, 0.1, 0.4, -0.2];
/** sqrt(sum of squares / (G (G - 1))). */
const ERROR_OF_MEAN = Math.sqrt(0.3 / 12);

errors('readings by themselves: s / sqrt(n) of a mean', () => {
  const found = meanOf(CLUSTER_MEANS, [[0], [1], [2], [3]]);
  assert.ok(Math.abs(found / ERROR_OF_MEAN - 1) < 1e-9, String(found));
});

errors('repeats that say the same do not make a mean surer', () => {
  const found = meanOf(
    CLUSTER_MEANS.flatMap((value) => [value, value, value]),
    [0, 1, 2, 3].map((cluster) => [0, 1, 2].map((repeat) => 3 * cluster + repeat)),
  );
  assert.ok(Math.abs(found / ERROR_OF_MEAN - 1) < 1e-9, String(found));
});

errors('a parameter that one cluster alone decides is not exact', () => {
  const jacobian = [0, 0, 0, 0, 1, 1].map((own) => [1, own]);
  const residuals = [0.1, 0.1, -0.1, -0.1, 0.05, -0.05];
  const optimum = { places: [0, 0], residuals, weights: residuals.map(() => 1) };
  const [, own] = standardErrors(jacobian, { ...optimum, cost: 0, iterations: 0, converged: true }, [
    [0, 1],
    [2, 3],
    [4, 5],
  ])!;
  assert.ok(own! > 0.05, String(own));
});

for (const { weights, expected } of [
  { weights: [1, 1, 1, 1], expected: 1 },
  { weights: [1, 1, 1, 0.5], expected: 3.5 / 3 },
  // An outlier that hardly counts takes nothing away.
  { weights: [1, 1, 1, 1e-6], expected: 1 },
  // A wrong model, not noise.
  { weights: [1, 0.9, 0.9, 0.9], expected: 4 / 3 },
]) {
  errors(
    `weights ${weights.join(', ')} of far-off readings widen intervals ${expected.toFixed(2)} times`,
    () => {
      assert.ok(Math.abs(huberWidening(weights, [1, 1, 1, 1]) - expected) < 1e-5);
    },
  );
}

errors.run();

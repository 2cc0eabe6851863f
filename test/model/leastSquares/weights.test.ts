import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fit } from '../../../model/leastSquares/fit.ts';
import type { FitProblem } from '../../../model/leastSquares/problem.ts';
import { normalNumbers } from './normalNumbers.ts';

interface Weighed {
  value: number;
  weight: number;
}

function level(readings: readonly Weighed[]): FitProblem<Weighed> {
  return {
    parameters: [{ name: 'level', start: 3, low: 0.1, high: 100, scale: 'log' }],
    readings,
    measured: ({ value }) => value,
    predict: (values, of) => of.map(() => values.level!),
    weight: ({ weight }) => weight,
  };
}

const weights = suite("readings' weights");

weights('those that weigh nothing do not decide how far off the others are', () => {
  const normal = normalNumbers(1);
  // Nine within 1 % of 5, one of 50, and more that are only looked at than that.
  const counted = Array.from({ length: 10 }, (_, index) => ({
    value: index === 9 ? 50 : 5 * Math.exp(0.01 * normal()),
    weight: 1,
  }));
  const alone = fit(level(counted)).parameters[0]!;
  const watched = Array.from({ length: 30 }, () => ({ value: 1, weight: 0 }));
  const beside = fit(level([...counted, ...watched])).parameters[0]!;
  assert.ok(Math.abs(alone.value / 5 - 1) < 0.02, String(alone.value));
  for (const key of ['value', 'low95', 'high95'] as const)
    assert.ok(Math.abs(beside[key] / alone[key] - 1) < 1e-4, `${key}: ${beside[key]} and ${alone[key]}`);
});

weights('those that weigh nothing are no independent readings', () => {
  const readings = [5, 5.1, 5.2, 4.9].map((value, index) => ({ value, weight: index === 0 ? 1 : 0 }));
  assert.match(fit(level(readings)).unidentified[0]!.why, /1 independent readings cannot decide/);
});

for (const weight of [-1, Number.NaN, Number.POSITIVE_INFINITY, undefined as unknown as number]) {
  weights(`a weight of ${weight} is an error that names the reading`, () => {
    const readings = [5, 5.1, 5.2].map((value, index) => ({ value, weight: index === 2 ? weight : 1 }));
    assert.throws(() => fit(level(readings)), new RegExp(`reading 2: a weight .* got ${weight}`));
  });
}

weights('readings that all weigh nothing are an error', () => {
  assert.throws(() => fit(level([{ value: 5, weight: 0 }])), /every weight is 0/);
});

weights.run();

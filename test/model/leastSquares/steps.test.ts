import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../../model/input/userError.ts';
import { fit } from '../../../model/leastSquares/fit.ts';
import type { FitProblem, Parameter } from '../../../model/leastSquares/problem.ts';

/** y = 10 - slope x: above zero for a slope below 10 / 9. */
const XS = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const slope: Parameter = { name: 'slope', start: 0.1, low: 0, high: 5, scale: 'linear' };

function falling(
  start: number,
  truth = 1,
  predictedAt = (of: number, x: number) => 10 - of * x,
): FitProblem<number> {
  return {
    parameters: [{ ...slope, start }],
    readings: XS,
    // Every other reading is off by 1 %.
    measured: (x) => (10 - truth * x) * (x % 2 === 0 ? 1.01 : 0.99),
    predict: (values, of) => of.map((x) => predictedAt(values.slope!, x)),
  };
}

const steps = suite('a model that ends where its predictions are not above zero');

for (const { what, predictedAt } of [
  { what: 'below zero', predictedAt: undefined },
  { what: 'no number', predictedAt: (of: number, x: number) => Math.sqrt(10 - of * x) ** 2 },
  { what: 'zero', predictedAt: (of: number, x: number) => Math.max(0, 10 - of * x) },
  { what: 'infinite', predictedAt: (of: number, x: number) => (of * x < 10 ? 10 - of * x : 1 / 0) },
  { what: 'missing', predictedAt: (of: number, x: number) => (of * x < 10 ? 10 - of * x : undefined!) },
]) {
  steps(`is fitted though a step leads to where a prediction is ${what}`, () => {
    let beyond = 0;
    const { parameters, converged } = fit(
      falling(0.1, 1, (of, x) => {
        if (of * x >= 10) beyond += 1;
        return (predictedAt ?? ((by, at) => 10 - by * at))(of, x);
      }),
      { starts: 1 },
    );
    assert.ok(beyond > 0, 'no step led there');
    assert.ok(converged);
    assert.ok(Math.abs(parameters[0]!.value - 1) < 0.01, String(parameters[0]!.value));
  });
}

steps('is fitted where its end is nearer than the step of the differences', () => {
  // The last reading is 2e-3 above zero; the slope's difference would take it below.
  const { parameters } = fit(falling(1.1, 1.111), { starts: 1 });
  assert.ok(Math.abs(parameters[0]!.value - 1.111) < 0.001, JSON.stringify(parameters));
});

steps('passes over random starts where it has no answer, and says so', () => {
  const { parameters, startsAgreed, starts } = fit(falling(1), { starts: 8 });
  assert.ok(Math.abs(parameters[0]!.value - 1) < 0.01);
  assert.ok(startsAgreed < starts, `${startsAgreed} of ${starts}`);
});

steps('is an error at the given start, with the reading and the value', () => {
  assert.throws(() => fit(falling(1.3)), /reading 7: .*above zero; predicted: -0.4/);
  assert.throws(
    () => fit(falling(1, 1, (_, x) => (x === 3 ? Number.NaN : 1))),
    /reading 2: .*predicted: NaN/,
  );
});

steps("ends with the model's own error where it throws one", () => {
  const problem = falling(0.1, 1, (of, x) => {
    if (of * x >= 10) throw new UserError('slope: expected less');
    return 10 - of * x;
  });
  assert.throws(
    () => fit(problem, { starts: 1 }),
    (error: unknown) => error instanceof UserError && error.message === 'slope: expected less',
  );
});

steps.run();

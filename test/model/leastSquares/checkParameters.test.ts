import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../../model/input/userError.ts';
import { fit } from '../../../model/leastSquares/fit.ts';
import type { Parameter } from '../../../model/leastSquares/problem.ts';

const gap: Parameter = { name: 'gap', start: 3, low: 0.1, high: 500, scale: 'log' };

const fitOf = (parameters: readonly Parameter[]) =>
  fit({
    parameters,
    readings: [2, 3, 4, 5],
    measured: (reading) => reading,
    predict: (values, of) => of.map(() => values.gap!),
  });

const checks = suite("a fit's parameters");

for (const { what, parameter, message } of [
  { what: 'a start below its bounds', parameter: { start: 0.01 }, message: /^gap: .*0.1 to 500, got 0.01/ },
  { what: 'a start above its bounds', parameter: { start: 700 }, message: /^gap: .*0.1 to 500, got 700/ },
  { what: 'a start that is no number', parameter: { start: Number.NaN }, message: /^gap: .*got NaN/ },
  { what: 'bounds of one number', parameter: { low: 3, high: 3 }, message: /^gap: .*got 3 and 3/ },
  { what: 'bounds in the wrong order', parameter: { low: 9, high: 1 }, message: /^gap: .*got 9 and 1/ },
  { what: 'no bound', parameter: { high: 1 / 0 }, message: /^gap: .*got 0.1 and Infinity/ },
  { what: 'a logarithm of 0', parameter: { low: 0 }, message: /^gap: .*above 0, got 0/ },
  { what: 'a logarithm of less', parameter: { low: -2 }, message: /^gap: .*above 0, got -2/ },
] as const) {
  checks(`${what}: the user is told which, and the value`, () => {
    assert.throws(
      () => fitOf([{ ...gap, ...parameter }]),
      (error: unknown) => error instanceof UserError && message.test(error.message),
    );
  });
}

checks('two of one name are a mistake of the program', () => {
  assert.throws(
    () => fitOf([gap, { ...gap, start: 4 }]),
    (error: unknown) =>
      !(error instanceof UserError) && /^gap: two parameters/.test((error as Error).message),
  );
});

for (const start of [gap.low, gap.high]) {
  checks(`a start at its bound ${start} is within`, () => {
    assert.is(fitOf([{ ...gap, start }]).unidentified.length, 0);
  });
}

checks('a parameter that is not logarithmic may have 0 for a bound', () => {
  assert.is(fitOf([{ ...gap, low: 0, start: 0.5, scale: 'linear', high: 20 }]).unidentified.length, 0);
});

checks.run();

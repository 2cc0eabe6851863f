import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { verdictText } from '../../../cli/commands/fit/verdictText.ts';
import { PIPED } from '../../../cli/text/layout.ts';
import type { FittedStage, ReadingError } from '../../../studies/calibration/fitMachine.ts';
import { fitVerdict } from '../../../studies/calibration/fitVerdict.ts';

const reading = (error: number, spread: number): ReadingError => ({
  ...{ id: 'x', quantity: 'rate', bytes: null, groupSize: null, isBeside: false, measured: 1 },
  ...{ predicted: 1 + error, error, spread },
});
const stage = (name: string, errors: number[], spread = 0): Pick<FittedStage, 'name' | 'errors'> => ({
  name,
  errors: { fit: [reading(0, 0)], 'held-out': errors.map((error) => reading(error, spread)) },
});

const test = suite('the verdict of a fit');

test('by the mean error of what was held out, whichever way it is off', () => {
  const verdict = fitVerdict([
    stage('gemm', [0.05, -0.19]),
    stage('copies alone', [0.05, -0.2]),
    stage('staged-sm:8', [5.68, 0.1], 0.4),
    stage('power', []),
  ]);
  assert.equal(verdict.fit, ['gemm']);
  assert.equal(verdict.unchecked, ['power']);
  assert.equal(
    verdict.unfit.map(({ stage: name, mape, largest }) => [name, mape.toFixed(3), largest]),
    [
      ['copies alone', '0.125', 0.2],
      ['staged-sm:8', '2.890', 5.68],
    ],
  );
  assert.is(
    verdictText(verdict, { ...PIPED, width: 200 }),
    [
      'fit for: gemm',
      'not fit for: copies alone, held-out readings are 13 % off on average, 20 % at the most',
      'not fit for: staged-sm:8, held-out readings are 289 % off on average, 568 % at the most; rounds of one reading lie 40 % apart: measure again while nothing else runs',
      'without a held-out reading, so unchecked: power',
      '',
    ].join('\n'),
  );
});

test('nothing is fit', () => {
  assert.match(
    verdictText(fitVerdict([stage('gemm', [1])]), PIPED),
    /^fit for: nothing\nnot fit for: gemm, /,
  );
});

test('a quick calibration holds nothing out: it is neither fit nor unfit', () => {
  assert.match(
    verdictText(fitVerdict([stage('gemm', []), stage('shm alone', [])]), PIPED),
    /^no reading was held out, as in a quick calibration/,
  );
});

test.run();

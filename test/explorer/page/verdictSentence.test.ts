import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Prediction } from '../../../documents/prediction.ts';
import { plain, verdictOf } from '../../../explorer/page/text/verdictSentence.ts';
import { predictionOf } from '../../../library/predictionOf.ts';
import { FILES } from '../../../model/scenario/files.ts';
import type { ScenarioQuestion } from '../../../model/scenario/question.ts';
import { scenarioOf } from '../../../model/scenario/scenario.ts';

const test = suite("the explorer's verdict");

const GiB = 2 ** 30;
const predicted = (a: string, b: string, more: ScenarioQuestion = {}): Prediction => {
  const plan = [a, b, 'none'];
  const question = { model: 'wan2.1-t2v-14b', size: '832x480x81', machine: 'h200-x2', plan, ...more };
  return predictionOf(scenarioOf(question, FILES), null, { breakEven: false });
};
const said = (prediction: Prediction, capBytes: number | null = null) =>
  plain(verdictOf(prediction, capBytes).phrases);

test('says plan, time with interval, ratios, memory and doubt in one sentence', () => {
  const prediction = predicted('layerwise', 'yield');
  const [, { stepTimeS, doubt }] = prediction.plans as [unknown, Prediction['plans'][number]];
  const sentence = said(prediction);
  assert.match(
    sentence,
    /^B, yield, takes 3,66\d ms a step \(95 %: 3,480 to 3,850 ms\), as fast as no offload and 11 % faster than A, and fits: 4\.9 of 139\.8 GiB; the largest doubt is the model's own error\.$/,
  );
  assert.ok(sentence.includes(`${Math.round(1e3 * stepTimeS).toLocaleString('en-US')} ms`));
  assert.is(doubt.decides, 'model');
  assert.is(verdictOf(prediction, null).side, 1);
  assert.is(sentence.split('. ').length, 1);
});

test('is about the faster plan, whichever side it stands on', () => {
  assert.match(said(predicted('yield', 'layerwise')), /^A, yield, .* and 11 % faster than B, /);
});

test('two plans of one time are as fast as each other', () => {
  assert.match(said(predicted('yield', 'yield')), /and as fast as B, and fits/);
});

test('what another transport gains is told apart from what streaming costs', () => {
  const sentence = said(predicted('layerwise', 'yield,transport=staged-copy'));
  assert.match(
    sentence,
    /^B, yield,transport=staged-copy, .* faster than no offload over shm, (as fast as|[\d.]+ % (slower|faster) than) no offload over staged-copy and /,
  );
});

test('a plan beyond the cap is not recommended, however fast', () => {
  const prediction = predicted('none', 'layerwise');
  assert.match(said(prediction), /^A, none, /);
  const capped = said(prediction, 16 * GiB);
  assert.match(
    capped,
    /^B, layerwise, .* slower than no offload, and fits: 4\.9 of 16\.0 GiB; A needs 29\.8 GiB of 16\.0 GiB; /,
  );
});

test('where neither fits, it says what each needs', () => {
  const prediction = predicted('none', 'layerwise');
  const verdict = verdictOf(prediction, 2 * GiB);
  assert.is(verdict.side, null);
  assert.is(
    plain(verdict.phrases),
    'Neither plan fits: A needs 29.8 GiB of 2.0 GiB; B needs 4.9 GiB of 2.0 GiB.',
  );
});

test('a difference that the intervals leave open is called so', () => {
  const prediction = predicted('layerwise', 'yield');
  const [a, b, none] = prediction.plans as [
    Prediction['plans'][number],
    Prediction['plans'][number],
    Prediction['plans'][number],
  ];
  const apart = { ...b, doubt: { ...b.doubt, versusNone: [0.99, 1.01] as [number, number] } };
  const of = (doubtful: typeof b) => said({ ...prediction, plans: [a, doubtful, none] });
  const overlapping = { ...b, doubt: { ...b.doubt, versusNone: [0.9, 1.3] as [number, number] } };
  assert.not.match(of(apart), /leaves that open/);
  assert.match(of(overlapping), /11 % faster than A \(the doubt leaves that open\), and fits/);
});

test('names the number behind the doubt', () => {
  const sentence = said(predicted('layerwise', 'yield', { machine: 'rtx-4090', gpus: '2' }));
  assert.match(sentence, /the largest doubt is [a-z' ]+( \([a-zA-Z0-9.]+ = [^)]+\))?\.$/);
});

test.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { methodRatios } from '../../studies/measured/mirroredMethod.ts';
import { fitPair } from '../../studies/measured/pairFit.ts';

const relative = (rows: readonly { measured: number; predicted: number }[]) =>
  rows.map(({ measured, predicted }) => Math.abs(predicted / measured - 1));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

const pair = suite('a pair of H200s, fitted to what ran alone and to half of what ran together');
const { parameters, unidentified, fitted, heldOut, ratios } = fitPair();

pair('decides every parameter, from starts that know nothing of it', () => {
  assert.equal(unidentified, []);
  const value = (of: string) => parameters.find(({ name }) => name === of)!.value;
  assert.ok(Math.abs(value('h2d') - 55.4) < 0.5);
  assert.ok(Math.abs(value('all-to-all') - 23.1) < 0.5);
});

pair('sees one half, and the halves share no line', () => {
  const seen = new Set(fitted.map(({ line }) => line));
  assert.ok(heldOut.length >= 15 && fitted.length >= 15);
  assert.ok(heldOut.every(({ line }) => !seen.has(line)));
});

pair('predicts the other half: 3.5 % on average, none off by more than 10 %', () => {
  const errors = relative(heldOut);
  assert.ok(mean(errors) <= 0.035, `mean ${mean(errors)}`);
  assert.ok(Math.max(...errors) <= 0.1, `largest ${Math.max(...errors)}`);
});

pair("predicts the trial's steps against none: 1.5 % on average, none off by more than 5 %", () => {
  const errors = relative(ratios);
  assert.ok(errors.length >= 50);
  assert.ok(mean(errors) <= 0.015, `mean ${mean(errors)}`);
  assert.ok(Math.max(...errors) <= 0.05, `largest ${Math.max(...errors)}`);
});

pair.run();

const method = suite('a mirrored peer as a method');

method('gives the steps of a pair against none, 2.5 % apart on average and 6.5 % at most', () => {
  const ratios = methodRatios();
  assert.is(ratios.length, 12);
  const errors = relative(ratios.map((ratio) => ({ measured: ratio.pair, predicted: ratio.mirrored })));
  assert.ok(mean(errors) <= 0.025, `mean ${mean(errors)}`);
  assert.ok(Math.max(...errors) <= 0.065, `largest ${Math.max(...errors)}`);
});

method.run();

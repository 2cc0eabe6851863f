import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { readSteps } from '../../../studies/dataset/stepRecords.ts';
import { compareChoices, robustChoices, type TwoChoices } from '../../../studies/regret/robustChoices.ts';

const test = suite('robust choices among measured plans');
const CELL = 'flux.1-dev-2304x2304-b29-sp2';
const runs = readSteps([join(packageRoot, 'experiments', 'h100-headlines', 'first.jsonl')]).filter(
  ({ cell, mode }) => cell.id === CELL && mode === 'eager',
);

test('both choices are measured plans, of no less than the fastest step; where all is known they are one', async () => {
  const fitted = loadSystem('h200-x1-fitted');
  const exact = fitted.provenance.map((entry) => ({ ...entry, source: 'set by hand' }));
  const beliefs = [
    { name: 'fitted', system: fitted },
    { name: 'exact', system: { ...fitted, provenance: exact } },
  ];
  const choices = await robustChoices(runs, beliefs);
  assert.is(choices.length % 2, 0);
  assert.ok(choices.length >= 4);
  for (const { nominal, robust, nominalRegret, robustRegret, cost } of choices) {
    for (const plan of [nominal, robust]) assert.ok(runs.some((run) => run.plan === plan));
    assert.ok(nominalRegret >= 0 && robustRegret >= 0 && cost <= 0.01);
  }
  const byExact = choices.filter(({ belief }) => belief === 'exact');
  assert.equal(
    byExact.map(({ robust }) => robust),
    byExact.map(({ nominal }) => nominal),
  );
});

test('a comparison counts other plans, and those that measured faster or slower by more than a tie', () => {
  const one = { belief: 'b', cell: 'c', cap: 1, nominal: 'a', robust: 'a', cost: 0 };
  const choices: TwoChoices[] = [
    { ...one, nominalRegret: 0.01, robustRegret: 0.01 },
    { ...one, robust: 'b', nominalRegret: 0.03, robustRegret: 0, cost: 0.004 },
    { ...one, robust: 'b', nominalRegret: 0, robustRegret: 0.02 },
    { ...one, robust: 'b', nominalRegret: 0, robustRegret: 0.0005 },
  ];
  const compared = compareChoices('b', choices);
  assert.is(compared.questions, 4);
  assert.equal([compared.changed, compared.better, compared.worse], [3, 1, 1]);
  assert.ok(Math.abs(compared.nominalMean - 0.01) < 1e-12);
  assert.ok(Math.abs(compared.meanCost - 0.001) < 1e-12);
  assert.is(compared.robustLargest, 0.02);
});

test.run();

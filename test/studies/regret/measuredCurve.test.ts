import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { recipeOfText } from '../../../model/presets/recipeOfText.ts';
import { measuredCurve } from '../../../studies/regret/efficientPlans.ts';
import type { MeasuredPlan } from '../../../studies/regret/measuredCells.ts';
import { regretOf } from '../../../studies/regret/regret.ts';

const plan = (
  name: string,
  gpuBytes: number,
  stepS: number,
  { noise = 0, transport = 'shm' }: { noise?: number | null; transport?: string } = {},
): MeasuredPlan => ({
  ...{ plan: name, recipe: recipeOfText(name), transport, stepS, visitS: [stepS], noise },
  ...{ gpuBytes, claimedBytes: gpuBytes },
});

const pareto = suite('plans that no other beats (Pareto)');

/** Two plans, and which of them are efficient: each term of "better in one without being worse in the other". */
for (const { what, plans, efficient } of [
  { what: 'less memory, as fast: beats', plans: [plan('a', 1, 5), plan('b', 2, 5)], efficient: ['a'] },
  { what: 'faster, as much memory: beats', plans: [plan('a', 2, 4), plan('b', 2, 5)], efficient: ['a'] },
  { what: 'better in both: beats', plans: [plan('a', 1, 4), plan('b', 2, 5)], efficient: ['a'] },
  { what: 'less memory, slower: a trade', plans: [plan('a', 1, 6), plan('b', 2, 5)], efficient: ['a', 'b'] },
  { what: 'equal in both: neither beats', plans: [plan('a', 2, 5), plan('b', 2, 5)], efficient: ['a', 'b'] },
  {
    what: 'a plan is beaten by one that is itself beaten',
    plans: [plan('a', 1, 3), plan('b', 2, 4), plan('c', 3, 5)],
    efficient: ['a'],
  },
]) {
  for (const given of [plans, [...plans].reverse()]) {
    pareto(`${what} (${given.map((one) => one.plan).join(', ')})`, () => {
      const points = measuredCurve(given);
      assert.equal(
        points
          .filter((point) => point.efficient)
          .map((point) => point.plan)
          .sort(),
        efficient,
      );
      assert.is(points.length, given.length);
    });
  }
}

pareto('by memory, then by time', () => {
  const points = measuredCurve([plan('c', 2, 5), plan('b', 2, 4), plan('a', 1, 9)]);
  assert.equal(
    points.map((point) => point.plan),
    ['a', 'b', 'c'],
  );
});

pareto.run();

const regret = suite('regret of a choice, term by term');

const found = (choice: string, capBytes: number, plans: MeasuredPlan[], transport?: string) =>
  regretOf({ plan: choice, capBytes, ...(transport === undefined ? {} : { transport }) }, plans)!;

regret('a plan that just fills the cap competes, one byte more does not', () => {
  const plans = [plan('a', 10, 5), plan('b', 20, 4)];
  assert.equal([found('a', 20, plans).regret, found('a', 20, plans).competitors], [0.25, 1]);
  assert.equal([found('a', 19, plans).regret, found('a', 19, plans).competitors], [null, 0]);
});

regret('regret is choice / best - 1: 5 against 4 are 25 %, not 20', () => {
  assert.is(found('a', 20, [plan('a', 10, 5), plan('b', 20, 4)]).regret, 0.25);
});

regret('of equally fast plans the choice is the best', () => {
  assert.is(found('b', 9, [plan('a', 5, 1), plan('b', 5, 1), plan('c', 5, 1)]).best.plan, 'b');
});

regret('a choice of one transport competes with plans of that alone', () => {
  const plans = [plan('a', 5, 3), plan('b', 5, 2, { transport: 'staged-copy' }), plan('c', 5, 2.5)];
  assert.equal([found('a', 9, plans, 'shm').best.plan, found('a', 9, plans).best.plan], ['c', 'b']);
});

regret('noise is that of choice and best; of the choice where it is the best', () => {
  const plans = [plan('a', 5, 2, { noise: 0.01 }), plan('b', 5, 3, { noise: 0.02 })];
  assert.equal([found('b', 9, plans).noise, found('a', 9, plans).noise], [0.03, 0.01]);
});

for (const [what, baseline, slowerThan] of [
  ['with less memory is no better', plan('layerwise', 9, 1), []],
  ['with as much memory counts', plan('layerwise', 10, 1), ['layerwise']],
  ['with more memory counts', plan('layerwise', 11, 1), ['layerwise']],
  ['within the noise of both is as fast', plan('layerwise', 10, 1.97, { noise: 0.02 }), []],
  ['just beyond the noise of both is faster', plan('layerwise', 10, 1.94, { noise: 0.02 }), ['layerwise']],
  ['of another name is none', plan('chunked', 10, 1), []],
] as const) {
  regret(`a baseline ${what}`, () =>
    assert.equal(found('own', 99, [plan('own', 10, 2), baseline]).slowerThan, slowerThan),
  );
}

regret.run();

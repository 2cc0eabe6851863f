import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadSystem } from '../../model/system/load.ts';
import { unknownsOf } from '../../model/system/unknowns.ts';
import { leastRegret, MOST_COST } from '../../search/leastRegret.ts';
import { scenariosOf } from '../../search/scenarios.ts';

const test = suite('least regret');

// The nominal plan first; the machine itself is the first scenario.
const CASES = [
  { what: 'alone', plans: [[100, 120]], chosen: 0, worst: [0] },
  {
    what: 'much less at the worst for little',
    plans: [
      [100, 120],
      [100.5, 110],
    ],
    chosen: 1,
    worst: [0.0909, 0.005],
  },
  {
    what: 'too dear at the machine itself',
    plans: [
      [100, 120],
      [102, 110],
    ],
    chosen: 0,
    worst: [0.0909, 0.02],
  },
  {
    what: 'gains less than it costs',
    plans: [
      [100, 100.7],
      [100.8, 100],
    ],
    chosen: 0,
    worst: [0.007, 0.008],
  },
  {
    what: 'gains less than is worth it',
    plans: [
      [100, 100.2],
      [100, 100],
    ],
    chosen: 0,
    worst: [0.002, 0],
  },
  {
    what: 'better everywhere',
    plans: [
      [100, 101],
      [99, 99],
    ],
    chosen: 1,
    worst: [0.0202, 0],
  },
  {
    what: 'tied others: the first',
    plans: [
      [100, 110],
      [100, 100.05],
      [100, 100],
    ],
    chosen: 1,
    worst: [0.1, 0.0005, 0],
  },
  {
    what: 'what may not be chosen is still what others are held against',
    plans: [
      [100, 120],
      [100.5, 110],
      [150, 100],
    ],
    chosen: 1,
    worst: [0.2, 0.1, 0.5],
  },
] as const;

for (const { what, plans, chosen, worst } of CASES) {
  test(what, () => {
    const choice = leastRegret(plans);
    assert.is(choice.chosen, chosen);
    for (const [index, expected] of worst.entries())
      assert.ok(Math.abs(choice.worst[index]!.regret - expected) < 1e-4, `${choice.worst[index]!.regret}`);
  });
}

test('on any steps the choice never loses more at the worst than the nominal plan, nor costs more than it may', () => {
  const steps = fc.array(fc.integer({ min: 1000, max: 1100 }), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(steps, { minLength: 1, maxLength: 8 }), (plans) => {
      const { chosen, worst } = leastRegret(plans);
      assert.ok(worst[chosen]!.regret <= worst[0]!.regret);
      assert.ok(plans[chosen]![0]! <= plans[0]![0]! * (1 + MOST_COST) + 1e-9);
    }),
    { seed: 7, numRuns: 500 },
  );
});

test('scenarios: the machine itself, each end by itself, and two corners of what makes and takes room', () => {
  const system = loadSystem('h200-x1-fitted');
  const unknowns = unknownsOf(system);
  const scenarios = scenariosOf(system, unknowns, 2);
  assert.is(scenarios.length, 1 + 2 * unknowns.length + 2);
  assert.is(scenarios[0]!.system, system);
  const [little, much] = scenarios.slice(-2).map(({ factors }) => factors);
  assert.equal(Object.keys(little!), ['h2d', 'duplex', 'beside', 'compute']);
  assert.ok(little!.h2d! < 1 && little!.duplex! < 1 && little!.beside! < 1 && little!.compute! > 1);
  assert.ok(much!.h2d! > 1 && much!.duplex! > 1 && much!.beside! > 1 && much!.compute! < 1);
  assert.equal(scenariosOf(system, unknowns, 2), scenarios);
});

test('scenarios of one direction have no corner of their own, those of nothing only the machine', () => {
  const system = loadSystem('h200-x1');
  const one = scenariosOf(system, [{ direction: 'link', interval: [0.9, 1.05] }], 2);
  assert.equal(
    one.map(({ factors }) => factors),
    [{}, { link: 0.9 }, { link: 1.05 }],
  );
  assert.equal(scenariosOf(system, [{ direction: 'h2d', interval: [1, 1] }], 2).length, 1);
});

test.run();

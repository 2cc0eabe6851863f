import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { predictStep } from '../../model/analytic/stepReport.ts';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { loadSystem } from '../../model/system/load.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import type { Caps } from '../../search/caps.ts';
import { planBounds } from '../../search/planBounds.ts';
import { PlanPool } from '../../search/planPool.ts';
import type { Search } from '../../search/search.ts';
import { usualSpace } from '../../search/searchSpace.ts';
import type { Highs } from '../../search/solver.ts';

const test = suite('the best of the plans that were looked at');
const system = loadSystem('h200-x1');
const workload = bindWorkload(withBlocks(loadDit('wan2.1-t2v-14b'), 3), {
  ...{ size: parseSize('832x480x81'), sp: 1, cfg: 'none' },
});
const ANY: Caps = { gpuBytes: 1e12, pinnedBytes: 1e12 };
const NO_BOUND = () => 0;

/** A plan in so many MiB more than the leanest, and what an oracle says of it. */
interface Told {
  moreMiB: number;
  stepS: number;
  /** Seconds of copies that are waited for; 1 % of a step is hidden. */
  exposedS?: number;
  /** On a slower link; the same where it is left out. */
  stressedS?: number;
  chunkMiB?: number;
}

function planOf({ moreMiB, chunkMiB = 64 }: Told): Plan {
  const plain = makePlan('chunked', workload, system);
  const [first, ...others] = plain.blocks as [Plan['blocks'][0], ...Plan['blocks'][0][]];
  const more = moreMiB * 2 ** 20;
  // Of the first block alone, so that buffers stay as large.
  const kept = { ...first, residentBytes: more, windowBytes: [first.windowBytes[0]! - more] };
  return { ...plain, chunkBytes: chunkMiB * 2 ** 20, blocks: [kept, ...others] };
}

function poolOf(plans: readonly { plan: Plan; told: Told }[], caps = ANY) {
  const report = predictStep(workload, system, plans[0]!.plan);
  const asked: Plan[] = [];
  const toldOf = (plan: Plan) => plans.find((one) => one.plan === plan)!.told;
  const search: Search = {
    ...{ highs: null as unknown as Highs, workload, system, space: usualSpace(workload, system) },
    oracle: (plan) => {
      asked.push(plan);
      const { stepS, exposedS = 0 } = toldOf(plan);
      return { ...report, stepTimeS: stepS, exposedPrefetchS: exposedS, collectiveInflationS: 0 };
    },
    stressedOracle: (plan) => {
      const { stepS, stressedS = stepS } = toldOf(plan);
      return { ...report, stepTimeS: stressedS };
    },
  };
  return { pool: new PlanPool(search, caps), asked };
}

// Two plans, the better one first.
const PAIRS: readonly [string, Told, Told][] = [
  ['the faster one', { moreMiB: 200, stepS: 50 }, { moreMiB: 0, stepS: 50.1 }],
  ['of equally fast ones the leaner one', { moreMiB: 0, stepS: 50.04 }, { moreMiB: 200, stepS: 50 }],
  ['a page leaner, where all is hidden', { moreMiB: 0, stepS: 50.04 }, { moreMiB: 2, stepS: 50 }],
  [
    'the one that stays so on a slower link, though it is not the leaner one',
    { moreMiB: 200, stepS: 50, stressedS: 51 },
    { moreMiB: 0, stepS: 50, stressedS: 51.2 },
  ],
  [
    'where copies are waited for, the faster one if memory is of one level',
    { moreMiB: 60, stepS: 50, exposedS: 5 },
    { moreMiB: 0, stepS: 50.04, exposedS: 5 },
  ],
  [
    'where copies are waited for, the leaner one by a level',
    { moreMiB: 0, stepS: 50.04, exposedS: 5 },
    { moreMiB: 70, stepS: 50, exposedS: 5 },
  ],
  [
    'where copies are waited for, a slower link is no question',
    { moreMiB: 0, stepS: 50, exposedS: 5, stressedS: 60 },
    { moreMiB: 200, stepS: 50, exposedS: 5, stressedS: 51 },
  ],
  [
    'in as much memory that of fewer copies',
    { moreMiB: 0, stepS: 50.004 },
    { moreMiB: 0, stepS: 50, chunkMiB: 32 },
  ],
  [
    'but not if it is slower by more than a hair',
    { moreMiB: 0, stepS: 50, chunkMiB: 32 },
    { moreMiB: 0, stepS: 50.02 },
  ],
];

for (const [what, better, worse] of PAIRS) {
  for (const order of [0, 1] as const) {
    test(`${what}, seen ${order === 0 ? 'first' : 'last'}`, () => {
      const plans = [better, worse].map((told) => ({ told, plan: planOf(told) }));
      const { pool } = poolOf(plans);
      const seen = order === 0 ? plans : [...plans].reverse();
      pool.simulateAll(
        seen.map(({ plan }) => plan),
        NO_BOUND,
      );
      assert.is(pool.best!.plan, plans[0]!.plan);
    });
  }
}

const ONE: Told = { moreMiB: 0, stepS: 50 };
const OTHER: Told = { moreMiB: 20, stepS: 40 };

test('what does not fit is not asked of the oracle, and what was is not asked again', () => {
  const plans = [ONE, OTHER].map((told) => ({ told, plan: planOf(told) }));
  const [one, other] = plans.map(({ plan }) => plan) as [Plan, Plan];
  const { gpuPeakBytes } = memoryNeed(workload, system, one);
  const { pool, asked } = poolOf(plans, { ...ANY, gpuBytes: gpuPeakBytes });
  pool.simulateAll([other, one, { ...one, name: 'again' }], NO_BOUND);
  assert.equal(asked, [one]);
  assert.is(pool.best!.gpuBytes, gpuPeakBytes);
});

test('a plan is asked about unless its bound, or that of its transport, is no better than the best by more than a tie', () => {
  const leastS = planBounds({ workload, system })(planOf(OTHER));
  for (const [bestS, transportS, isAsked] of [
    [leastS * 1.002, 0, true],
    [leastS * 1.0005, 0, false],
    [leastS * 1.002, leastS * 1.0015, false],
    [leastS * 1.002, leastS * 1.0005, true],
  ] as const) {
    const plans = [{ ...ONE, stepS: bestS }, OTHER].map((told) => ({ told, plan: planOf(told) }));
    const { pool, asked } = poolOf(plans);
    pool.simulateAll(
      plans.map(({ plan }) => plan),
      () => transportS,
    );
    assert.is(asked.length, isAsked ? 2 : 1, `${bestS} ${transportS}`);
  }
});

test('a plan that overlaps nothing is bounded by all its copies on top of all else, others by the longer of both', () => {
  const boundOf = planBounds({ workload, system });
  const [none, sequential, chunked] = ['none', 'sequential', 'chunked'].map((text) =>
    boundOf(makePlan(text, workload, system)),
  ) as [number, number, number];
  const bytes = workload.blocks.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
  const copyS = bytes / system.gpu.copyEngine.h2dBytesPerS;
  assert.ok(sequential > none + 0.5 * copyS);
  assert.ok(chunked < sequential && chunked >= none);
});

test.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import { moved } from '../../model/physics/variants/moved.ts';
import { scaledSystem } from '../../model/physics/variants/scaled.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { loadSystem } from '../../model/system/load.ts';
import { type Unknown, unknownsOf } from '../../model/system/unknowns.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { stallMargin } from '../../search/explain/stallMargin.ts';
import { MOST_COST } from '../../search/leastRegret.ts';
import { optimise } from '../../search/optimise.ts';
import { planSearch } from '../../search/planning.ts';
import { robustPlan } from '../../search/robust.ts';
import { QUICK_EFFORT, type Search, TIE } from '../../search/search.ts';
import { simulate } from '../../sim/simulate.ts';

const test = suite('plans for uncertain machines');

// Sizes at which the link and compute are near balance, where it matters what is not known of them. The share is of the
// memory between what layerwise offload takes and no offload.
const CASES = [
  {
    model: 'wan2.1-t2v-14b',
    size: '480x416x81',
    share: 0.35,
    machine: 'h200-x1-fitted',
    over: 'staged-sm:2',
  },
  { model: 'hunyuanvideo-13b', size: '960x544x33', share: 0.45, machine: 'h200-x1', over: 'staged-sm:2' },
  { model: 'flux.1-dev', size: '2048x2048', share: 0.5, machine: 'h200-x2', over: 'shm' },
  { model: 'wan2.1-t2v-14b', size: '480x416x81', share: 0.2, machine: 'h200-x2', over: 'nvlink' },
  { model: 'flux.1-dev', size: '1536x1536', share: 0.3, machine: 'h100-pcie-x2', over: undefined },
] as const;
type Case = Omit<(typeof CASES)[number], 'over'> & { over: string | undefined };

async function searchOf({ model, size, machine, over, share }: Case) {
  const system = loadSystem(machine);
  const workload = bindWorkload(withBlocks(loadDit(model), 12), {
    size: parseSize(size),
    sp: 2,
    cfg: 'none',
  });
  const search = await planSearch(workload, system, over);
  const bytesOf = (preset: string) =>
    memoryNeed(workload, system, makePlan(preset, workload, system)).gpuPeakBytes;
  const least = bytesOf('layerwise');
  return { search, caps: { gpuBytes: least + share * (bytesOf('none') - least), pinnedBytes: 1e12 } };
}

const choose = (search: Search, caps: Parameters<typeof robustPlan>[1], unknowns: readonly Unknown[]) =>
  robustPlan(search, caps, unknowns, QUICK_EFFORT);

for (const one of CASES) {
  const { model, size, machine } = one;
  test(`${model} ${size} on ${machine}: loses no more at the worst than the nominal plan, and costs at most 1 %`, async () => {
    const { search, caps } = await searchOf(one);
    const { workload, system } = search;
    const choice = choose(search, caps, unknownsOf(system));
    const { nominal, robust, scenarios, nominalWorst, robustWorst, costAtNominal } = choice;
    assert.ok(robustWorst <= nominalWorst);
    assert.ok(costAtNominal <= MOST_COST && costAtNominal >= -TIE, `costs ${costAtNominal}`);
    assert.ok(robust.report.gpuPeakBytes <= caps.gpuBytes);
    assert.is(memoryNeed(workload, system, robust.plan).gpuPeakBytes, robust.report.gpuPeakBytes);
    // The nominal plan is what optimise finds, or a scenario's optimum that is faster.
    const optimum = optimise(search, caps, QUICK_EFFORT);
    assert.ok(nominal.report.stepTimeS <= optimum.report.stepTimeS);
    // What it says of the two scenarios that decide is what the simulator says of them.
    for (const of of ['nominalS', 'robustS'] as const) {
      const plan = of === 'nominalS' ? nominal.plan : robust.plan;
      const regrets = scenarios.map((scenario) => scenario[of] / scenario.fastestS - 1);
      const worst = Math.max(...regrets);
      assert.ok(Math.abs(worst - (of === 'nominalS' ? nominalWorst : robustWorst)) < 1e-12);
      const { factors, ...steps } = scenarios[regrets.indexOf(worst)]!;
      let there = system;
      for (const [direction, factor] of Object.entries(factors))
        there = moved(there, direction as Unknown['direction'], factor, workload.ranks);
      assert.is(simulate(workload, there, plan, { breakEven: false }).report.stepTimeS, steps[of]);
    }
    // Elsewhere steps are the closed form's, scaled.
    for (const { factors, robustS } of scenarios) {
      let there = system;
      for (const [direction, factor] of Object.entries(factors))
        there = moved(there, direction as Unknown['direction'], factor, workload.ranks);
      const { stepTimeS } = simulate(workload, there, robust.plan, { breakEven: false }).report;
      assert.ok(
        Math.abs(stepTimeS / robustS - 1) < 0.02,
        `${JSON.stringify(factors)} ${stepTimeS} ${robustS}`,
      );
    }
  });
}

test('somewhere another plan than the nominal one is taken, and it gains what it must', async () => {
  const { search, caps } = await searchOf(CASES[3]);
  const choice = choose(search, caps, unknownsOf(search.system));
  assert.is.not(choice.robust.plan, choice.nominal.plan);
  assert.ok(choice.nominalWorst - choice.robustWorst >= 3e-3);
});

test('the same question has the same answer', async () => {
  const { search, caps } = await searchOf(CASES[3]);
  const once = choose(search, caps, unknownsOf(search.system));
  const again = choose(search, caps, unknownsOf(search.system));
  assert.equal(again, once);
});

test('a machine of which all is known gets the nominal plan', async () => {
  const { search, caps } = await searchOf(CASES[0]);
  const exact: Unknown[] = [
    { direction: 'link', interval: [1, 1] },
    { direction: 'compute', interval: [1, 1] },
  ];
  for (const unknowns of [[], exact]) {
    const choice = choose(search, caps, unknowns);
    assert.is(choice.robust, choice.nominal);
    assert.is(choice.costAtNominal, 0);
    assert.is(choice.scenarios.length, 1);
    assert.equal(choice.nominal.plan, optimise(search, caps, QUICK_EFFORT).plan);
  }
});

test('at the stall margin the plan costs 1 %, and less just inside of it', async () => {
  const system = loadSystem('h200-x1-fitted');
  const workload = bindWorkload(withBlocks(loadDit('wan2.1-t2v-14b'), 8), {
    size: parseSize('832x480x49'),
    sp: 2,
    cfg: 'none',
  });
  const search = await planSearch(workload, system, 'staged-sm:2');
  const { plan } = optimise(search, { gpuBytes: 5 * 2 ** 30, pinnedBytes: 1e12 }, QUICK_EFFORT);
  const { link } = stallMargin(search, plan);
  assert.ok(link !== null && link < 1);
  const slowdown = (factor: number) => {
    const machine = scaledSystem(system, { link: factor });
    const none = makePlan('none', workload, machine);
    return (
      simulate(workload, machine, plan, { breakEven: false }).report.stepTimeS /
      simulate(workload, machine, none, { breakEven: false }).report.stepTimeS
    );
  };
  assert.ok(slowdown(link * 1.005) <= 1.01);
  assert.ok(slowdown(link * 0.99) > 1.01);
});

test.run();

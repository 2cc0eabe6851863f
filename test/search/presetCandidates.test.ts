import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { UserError } from '../../model/input/userError.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { makePlan, presetHelp } from '../../model/presets/presets.ts';
import { loadSystem } from '../../model/system/load.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { type Caps, fits, machineCaps } from '../../search/caps.ts';
import { paretoFront } from '../../search/front.ts';
import { smallestPlan } from '../../search/leastMemory.ts';
import { optimise } from '../../search/optimise.ts';
import { planSearch } from '../../search/planning.ts';
import { robustPlan } from '../../search/robust.ts';
import { QUICK_EFFORT, type Search, TIE } from '../../search/search.ts';

const test = suite('presets are always candidates');

/** Two cards without peer access: where the closed form is 4 % off for open windows over staged copies. */
const RTX_4090 = 'test/search/machines/rtx4090-x2.yaml';

// Model, size, blocks, machine, ranks; transport, or all of them.
const CASES = [
  ['wan2.1-t2v-14b', '832x480x81', 6, RTX_4090, 2, undefined],
  ['wan2.1-t2v-14b', '832x480x81', 6, RTX_4090, 2, 'staged-copy'],
  ['flux.1-dev', '1024x1024', 8, 'h200-x1-fitted', 2, undefined],
  ['flux.1-dev', '512x512', 6, 'h100-pcie-x2', 2, 'staged-copy'],
  ['hunyuanvideo-13b', '512x320x17', 8, 'rtx5090-x2', 2, undefined],
  ['wan2.1-t2v-1.3b', '832x480x17', 8, 'h200-x2', 1, undefined],
  ['pixart-xl-2', '256x256', 10, 'h200-x1', 1, undefined],
  ['dit-xl-2', '256x256', 10, 'h100-pcie-x2', 2, 'shm'],
] as const;
/** Caps: so much of what no offload takes more than the smallest plan. */
const CAPS = [0.02, 0.35, 0.8, 1.1] as const;
const SETTINGS = [
  ...['', ',resident=0.25', ',resident=0.6', ',resident=0.9', ',resident-layers=0.3', ',resident-layers=0.7'],
  ...[',chunk=2MiB', ',chunk=64MiB', ',slots=3', ',slots=3,resident=0.5', ',chunk=4MiB,resident=0.5'],
];

async function searchOf([
  model,
  size,
  blocks,
  machine,
  sp,
  transport,
]: (typeof CASES)[number]): Promise<Search> {
  const system = loadSystem(machine);
  const workload = bindWorkload(withBlocks(loadDit(model), blocks), {
    size: parseSize(size),
    sp,
    cfg: 'none',
  });
  return planSearch(workload, system, transport);
}

/** Every preset with every setting over every backend of a search, as far as it makes a plan; each plan once. */
function variants({ workload, system, space }: Search): Plan[] {
  const known = new Map<string, Plan>();
  for (const { transport, pieceBytes } of space.backends) {
    for (const { name } of presetHelp) {
      for (const setting of SETTINGS) {
        try {
          const made = makePlan(
            name + setting,
            workload,
            system,
            transport === 'none' ? undefined : transport,
          );
          const plan = { ...made, pieceBytes };
          const { name: _, recipe: __, ...rest } = plan;
          known.set(JSON.stringify(rest), plan);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
        }
      }
    }
  }
  return [...known.values()];
}

function capsBetween(search: Search, share: number): Caps {
  const { workload, system } = search;
  const { gpuBytes: least } = smallestPlan(search)!;
  const none = memoryNeed(workload, system, makePlan('none', workload, system)).gpuPeakBytes;
  const caps = machineCaps(workload, system);
  return { ...caps, gpuBytes: Math.min(caps.gpuBytes, Math.ceil(least + share * (none - least))) };
}

for (const one of CASES) {
  const [model, size, , machine, sp, transport] = one;
  test(`${model} ${size} on ${machine}, ${sp} ranks over ${transport ?? 'any'}: no preset within the caps is faster than the choice`, async () => {
    const search = await searchOf(one);
    const { workload, system } = search;
    const simulated = variants(search).map((plan) => ({ plan, stepS: search.oracle(plan).stepTimeS }));
    assert.ok(simulated.length > 60, `${simulated.length} variants`);
    for (const share of CAPS) {
      const caps = capsBetween(search, share);
      const { report, plan } = optimise(search, caps);
      assert.ok(fits(workload, system, plan, caps));
      for (const other of simulated) {
        if (!fits(workload, system, other.plan, caps)) continue;
        assert.ok(
          report.stepTimeS <= other.stepS * (1 + TIE),
          `at ${share}: ${other.plan.name} over ${other.plan.transport}, ${other.plan.pieceBytes}: ${other.stepS}; ${plan.name} ${report.stepTimeS}`,
        );
      }
    }
  });
}

test('plans from elsewhere are candidates where they fit, over transports that are searched', async () => {
  const search = await searchOf(CASES[2]);
  const caps = capsBetween(search, 0.5);
  const best = optimise(search, caps);
  // A space so poor that it has no plan as good.
  const { transport } = best.plan;
  const over = (name: string) => search.space.backends.filter((backend) => backend.transport === name);
  const poor = { chunkBytes: [2 ** 21], slots: [2], windows: ['open'], paced: false } as const;
  const choose = (backends: Search['space']['backends'], within: Caps) =>
    optimise({ ...search, space: { ...poor, backends } }, within, QUICK_EFFORT, [best.plan]).report.stepTimeS;
  assert.is(choose(over(transport), caps), best.report.stepTimeS);
  const less = { ...caps, gpuBytes: best.report.gpuPeakBytes - 1 };
  assert.ok(choose(over(transport), less) > best.report.stepTimeS * (1 + TIE), 'does not fit');
  const others = search.space.backends.filter((backend) => backend.transport !== transport);
  const elsewhere = optimise({ ...search, space: { ...poor, backends: others } }, caps, QUICK_EFFORT, [
    best.plan,
  ]);
  assert.is.not(elsewhere.plan.transport, transport);
});

test('two 4090s: neither the front nor an uncertain machine has a better plan than the choice', async () => {
  const search = await searchOf(CASES[0]);
  const caps = machineCaps(search.workload, search.system);
  const yields = makePlan('yield,transport=staged-copy,piece=4MiB', search.workload, search.system);
  const yieldsS = search.oracle(yields).stepTimeS;
  const front = paretoFront(search, { points: 4, caps });
  for (const { report, caps: own } of front) {
    if (!fits(search.workload, search.system, yields, own)) continue;
    assert.ok(report.stepTimeS <= yieldsS * (1 + TIE), `${report.plan} ${report.stepTimeS}`);
  }
  const known = front.map(({ plan }) => plan);
  const choice = robustPlan(
    search,
    caps,
    [
      { direction: 'link', interval: [0.8, 1.1] },
      { direction: 'compute', interval: [0.9, 1.1] },
    ],
    QUICK_EFFORT,
    known,
  );
  const { stepTimeS } = choice.nominal.report;
  for (const { report } of front) assert.ok(stepTimeS <= report.stepTimeS * (1 + TIE));
  assert.ok(stepTimeS <= yieldsS * (1 + TIE));
  assert.ok(
    choice.costAtNominal >= -TIE,
    `the robust plan is ${-choice.costAtNominal} faster than the choice`,
  );
});

test.run();

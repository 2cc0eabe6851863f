import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { lower } from '../../model/program/lower.ts';
import { verify } from '../../model/program/verify.ts';
import { loadSystem } from '../../model/system/load.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import type { Caps } from '../../search/caps.ts';
import { countPlans, everyPlan } from '../../search/everyPlan.ts';
import { BOUND_ROUNDING, exhaust } from '../../search/exhaustive.ts';
import { optimise } from '../../search/optimise.ts';
import { FULL_EFFORT, type Search, TIE } from '../../search/search.ts';
import { searchOracles } from '../../search/searchOracle.ts';
import { type SearchSpace, usualSpace } from '../../search/searchSpace.ts';
import { loadSolver } from '../../search/solver.ts';
import { bruteForce } from './bruteForce.ts';

const highs = await loadSolver();
const test = suite('every plan of small spaces');
const MiB = 2 ** 20;
const WHOLE = Number.POSITIVE_INFINITY;
const TINY_CROSS = 'experiments/tiny/tiny-cross.yaml';
const TINY_JOINT = 'experiments/tiny/tiny-joint.yaml';

// Model, size, machine, ranks, blocks; chunks in MiB, buffers, transports.
const CASES = [
  ['wan2.1-t2v-14b', '832x480x17', 'h100-pcie-x2', 2, 3, [64, 128], [2], ['shm', 'staged-copy']],
  ['wan2.1-t2v-14b', '480x416x81', 'h200-x1-fitted', 2, 3, [64, WHOLE], [2], ['staged-sm:2', 'staged-copy']],
  ['wan2.1-t2v-14b', '480x416x81', 'h200-x2', 2, 4, [64], [2, 3], ['shm']],
  ['wan2.1-t2v-14b', '832x480x17', 'h200-x2', 1, 4, [16, 32, 64, 128, WHOLE], [2, 3, 4], ['none']],
  ['wan2.1-t2v-14b', '832x480x17', 'rtx5090-x2', 1, 3, [4, 32, 128, WHOLE], [2, 3], ['none']],
  ['flux.1-dev', '1024x1024', 'h200-x1-fitted', 2, 3, [192], [2], ['staged-sm:2']],
  ['flux.1-dev', '2048x2048', 'rtx5090-x2', 2, 3, [256, WHOLE], [2, 3], ['shm']],
  ['flux.1-dev', '1024x1024', 'h100-pcie-x2', 1, 3, [64, WHOLE], [2, 3], ['none']],
  ['hunyuanvideo-13b', '512x320x17', 'h100-pcie-x2', 2, 3, [192], [2], ['shm']],
  ['hunyuanvideo-13b', '512x320x33', 'h200-x2', 1, 3, [64, WHOLE], [2, 3], ['none']],
  [TINY_CROSS, '64x64x5', 'rtx5090-x2', 2, 4, [2, 4, WHOLE], [2, 3, 4], ['shm', 'staged-copy']],
  [TINY_CROSS, '256x256x21', 'rtx5090-x2', 2, 3, [2, 4, WHOLE], [2, 3], ['shm', 'staged-copy']],
  [TINY_JOINT, '128x128', 'h100-pcie-x2', 2, 3, [4, WHOLE], [2], ['shm']],
  [TINY_JOINT, '1024x1024', 'h100-pcie-x2', 2, 4, [8], [2], ['shm']],
] as const;

/** Caps: as little as any plan takes, so much of what no offload takes more than that, or all of it. */
const CAPS = [0, 0.5, 0.9] as const;

interface Known {
  plan: Plan;
  stepS: number;
  gpuBytes: number;
}

/** How far the search is from the best plan where it has to do without the whole space. */
const losses: { name: string; loss: number }[] = [];

for (const [model, size, machine, sp, blocks, chunks, slots, transports] of CASES) {
  const system = loadSystem(machine);
  const dit = withBlocks(loadDit(model), blocks);
  const workload = bindWorkload(dit, { size: parseSize(size), sp, cfg: 'none' });
  const usual = usualSpace(workload, system);
  const space: SearchSpace = {
    ...{ ...usual, slots, chunkBytes: chunks.map((chunk) => chunk * MiB) },
    backends: usual.backends.filter(
      ({ transport, pieceBytes }) =>
        transports.some((name) => name === transport) && [0, 4 * MiB].includes(pieceBytes),
    ),
  };
  const search: Search = { highs, workload, system, space, ...searchOracles(workload, system) };
  const title = `${dit.name}, ${blocks} blocks, ${size} on ${machine}, ${sp} ranks`;
  const written = bruteForce(workload, system, space);
  let simulated: Known[] = [];

  test(`${title}: as many plans as there are, each once, and each one that may run`, () => {
    const plans = [...everyPlan(workload, system, space)];
    assert.equal(plans.map(contents).sort(), written.map(contents).sort());
    const unpaced = { ...space, paced: false };
    assert.is(countPlans(workload, unpaced), plans.filter(({ paceS }) => paceS === 0).length);
    assert.ok(countPlans(workload, space) >= plans.length);
    for (const plan of plans.filter((_, index) => index % 97 === 0))
      assert.equal(verify(lower(workload, system, plan)), [], plan.name);
  });

  for (const share of CAPS) {
    test(`${title}: the fastest of all within ${share} of the way from the least memory to no offload`, () => {
      // All of them once, whatever the cap: what is slow about brute force.
      if (simulated.length === 0) simulated = written.map((plan) => known(search, plan));
      const caps = capsAt(simulated, share);
      const fitting = simulated.filter(({ gpuBytes }) => gpuBytes <= caps.gpuBytes);
      const bestS = Math.min(...fitting.map(({ stepS }) => stepS));

      const whole = exhaust(search, caps);
      assert.is(whole.best!.report.stepTimeS, bestS, 'branch and bound');
      assert.ok(whole.simulated <= fitting.length);

      const optimum = optimise(search, caps);
      const { stepTimeS } = optimum.report;
      assert.ok(optimum.proven);
      // Residents of any pages and windows of any bytes are more than the discrete space, so it may be faster.
      assert.ok(stepTimeS <= bestS * (1 + TIE + 1e-9), `${stepTimeS}, the best ${bestS}`);
      assert.ok(stepTimeS >= optimum.bound.stepTimeS * (1 - BOUND_ROUNDING), 'lower bound');
      assert.ok(bestS >= optimum.bound.stepTimeS * (1 - BOUND_ROUNDING), 'lower bound of the best');

      const alone = optimise(search, caps, { ...FULL_EFFORT, exhaustive: 0 });
      losses.push({ name: `${title} at ${share}`, loss: alone.report.stepTimeS / bestS - 1 });
    });
  }
}

test('the search alone finds them too', () => {
  const sorted = [...losses].sort((a, b) => b.loss - a.loss);
  const found = losses.filter(({ loss }) => loss <= TIE).length;
  const worst = sorted
    .slice(0, 5)
    .map(({ name, loss }) => `${(100 * loss).toFixed(2)} % ${name}`)
    .join('\n  ');
  console.log(`\nwithout the whole space: ${found} of ${losses.length} as fast; worst\n  ${worst}`);
  assert.ok(found >= 0.9 * losses.length);
});

function contents({ name: _, ...plan }: Plan): string {
  return JSON.stringify(Object.entries(plan).sort());
}

function known({ workload, system, oracle }: Search, plan: Plan): Known {
  const { gpuPeakBytes } = memoryNeed(workload, system, plan);
  return { plan, stepS: oracle(plan).stepTimeS, gpuBytes: gpuPeakBytes };
}

function capsAt(plans: readonly Known[], share: number): Caps {
  const least = Math.min(...plans.map(({ gpuBytes }) => gpuBytes));
  const none = plans.find(({ plan }) => plan.slots === 0)!.gpuBytes;
  return { gpuBytes: Math.ceil(least + share * (none - least)), pinnedBytes: Number.POSITIVE_INFINITY };
}

test.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { retained } from '../../model/physics/besideCollective.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import { pairRates } from '../../model/physics/rates.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { loadSystem, systemIds } from '../../model/system/load.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { machineCaps } from '../../search/caps.ts';
import { optimise } from '../../search/optimise.ts';
import { randomPlan } from '../../search/randomPlan.ts';
import { QUICK_EFFORT, TIE } from '../../search/search.ts';
import { searchOracles } from '../../search/searchOracle.ts';
import { usualSpace } from '../../search/searchSpace.ts';
import { loadSolver } from '../../search/solver.ts';

// A second of a collective and copies together does s of the one and h of the other. Draining first costs a second for a second of
// copying; beside it the same copying costs (1 - s) / h, which is no more where s + h >= 1, as on every link that loses nothing.
// So the search has no plans that drain.

const highs = await loadSolver();
const test = suite('draining before collectives');

const CASES = [
  ['flux.1-dev', '1024x1024', 6, 'h200-x1-fitted'],
  ['flux.1-dev', '1024x1024', 6, 'h100-pcie-x2'],
  ['hunyuanvideo-13b', '512x320x17', 6, 'rtx5090-x2'],
  ['wan2.1-t2v-14b', '480x416x81', 5, 'h200-x2'],
  ['wan2.1-t2v-14b', '832x480x17', 5, 'a100-pcie-x2'],
  ['cogvideox-5b', '480x720x49', 6, 'h100-pcie-x2'],
] as const;
/** Random plans of each case. */
const SEEDS = 8;
const PRESETS = ['layerwise-drain', 'layerwise-drain,resident-layers=0.5'];

for (const [model, size, blocks, machine] of CASES) {
  test(`${model} ${size} on ${machine}: no plan that drains is faster than the choice in its memory, over its transport`, () => {
    const system = loadSystem(machine);
    const workload = bindWorkload(withBlocks(loadDit(model), blocks), { size: parseSize(size), sp: 2 });
    const oracles = searchOracles(workload, system);
    const caps = machineCaps(workload, system);
    const random = Array.from({ length: SEEDS }, (_, seed) => randomPlan(workload, system, { seed, caps }));
    const plans = [
      ...random.map((plan) => ({ ...plan, yieldRule: 'drain' as const, stagedInCopyStream: false })),
      ...PRESETS.flatMap((preset) =>
        system.transports.slice(0, 2).map(({ name }) => makePlan(preset, workload, system, name)),
      ),
    ];
    for (const plan of plans) {
      const need = memoryNeed(workload, system, plan);
      const space = usualSpace(workload, system, plan.transport);
      const within = { gpuBytes: need.gpuPeakBytes, pinnedBytes: need.hostPinnedBytes };
      const optimum = optimise({ highs, workload, system, space, ...oracles }, within, QUICK_EFFORT);
      const drainedS = oracles.oracle(plan).stepTimeS;
      assert.ok(
        optimum.report.stepTimeS <= drainedS * (1 + TIE),
        `${plan.name} over ${plan.transport}: ${drainedS}, chosen ${optimum.plan.name} ${optimum.report.stepTimeS}`,
      );
    }
  });
}

test('sharing the link loses nothing, on every machine over every transport that flows', () => {
  for (const machine of systemIds()) {
    const system = loadSystem(machine);
    for (const transport of system.transports) {
      if (transport.kind !== 'flow' || transport.network !== undefined) continue;
      for (const collective of ['all-to-all', 'all-gather', 'all-reduce'] as const) {
        const rates = pairRates(system, 2, transport, collective);
        const { h2d: copying, collective: moving } = retained(rates);
        assert.ok(
          copying + moving >= 1,
          `${machine} ${transport.name} ${collective}: ${copying} + ${moving}`,
        );
      }
    }
  }
});

test.run();

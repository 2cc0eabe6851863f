import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import type { Workload } from '../../model/workload/workload.ts';
import { capBound, pooledBound } from '../../search/capBound.ts';
import { type Caps, machineCaps } from '../../search/caps.ts';
import { BOUND_ROUNDING } from '../../search/exhaustive.ts';
import { smallestPlan } from '../../search/leastMemory.ts';
import { randomPlan } from '../../search/randomPlan.ts';
import { usualSpace } from '../../search/searchSpace.ts';
import { loadSolver } from '../../search/solver.ts';
import { simulate } from '../../sim/simulate.ts';

const highs = await loadSolver();
const test = suite('the lower bound under caps');

const MODELS = [
  ['flux.1-dev', '1024x1024', 8],
  ['flux.1-dev', '512x512', 6],
  ['wan2.1-t2v-14b', '480x416x81', 5],
  ['hunyuanvideo-13b', '512x320x17', 8],
  ['wan2.2-t2v-a14b', '832x480x17', 5],
  ['cogvideox-5b', '480x720x49', 6],
] as const;
const MACHINES = [
  'h200-x1-fitted',
  'h100-pcie-x2',
  'h200-x2',
  'rtx5090-x2',
  'a100-pcie-x2',
  'h100-pcie-x4',
] as const;
const PRESETS = [
  ...['layerwise', 'layerwise-strided,resident-layers=0.4', 'layerwise-drain', 'sequential', 'none'],
  ...['chunked,resident=0.3', 'chunked,slots=3', 'yield', 'yield,resident=0.5,chunk=64MiB', 'yield,slots=4'],
  ...['paced,resident=0.7', 'chunkflow-paper'],
];
/** Random plans of each model, machine and number of ranks: 3 x 6 x 6 x 2 = 216. */
const SEEDS = 3;

function workloadOf(model: string, size: string, blocks: number, sp: number): Workload {
  return bindWorkload(withBlocks(loadDit(model), blocks), { size: parseSize(size), sp });
}

const bound = (workload: Workload, system: System, { transport, pieceBytes }: Plan, caps: Caps) =>
  capBound(highs, workload, system, [{ transport, pieceBytes }], caps);

for (const [place, [model, size, blocks]] of MODELS.entries()) {
  test(`${model} ${size}: no plan beats it with its own memory as caps`, () => {
    for (const [other, machine] of MACHINES.entries()) {
      const system = loadSystem(machine);
      for (const sp of [1, 2]) {
        const workload = workloadOf(model, size, blocks, sp);
        const caps = machineCaps(workload, system);
        const preset = PRESETS[(place + 2 * other + 5 * sp) % PRESETS.length]!;
        const transport = system.transports[(place + other) % system.transports.length]?.name;
        const plans = [
          makePlan(preset, workload, system, sp > 1 ? transport : undefined),
          ...Array.from({ length: SEEDS }, (_, seed) =>
            randomPlan(workload, system, { seed: seed + 10 * place + 100 * other, caps }),
          ),
        ];
        for (const plan of plans) notBeaten(workload, system, plan);
      }
    }
  });
}

function notBeaten(workload: Workload, system: System, plan: Plan): void {
  const need = memoryNeed(workload, system, plan);
  const caps = { gpuBytes: need.gpuPeakBytes, pinnedBytes: need.hostPinnedBytes };
  const least = bound(workload, system, plan, caps);
  const name = `${plan.name} over ${plan.transport} on ${system.id}`;
  assert.ok(least !== null, `${name}: nothing is said to fit`);
  const { stepTimeS } = simulate(workload, system, plan, { breakEven: false }).report;
  assert.ok(
    stepTimeS >= least!.stepTimeS * (1 - BOUND_ROUNDING),
    `${name}: ${stepTimeS}, bound ${least!.stepTimeS}`,
  );
  const pooled = pooledBound(workload, system, [plan], caps)!;
  assert.ok(pooled.stepTimeS <= least!.stepTimeS * (1 + 1e-6), `${name}: pooled ${pooled.stepTimeS}`);
}

/** Machines with and without a power cap, one rank and two, transports that share the link and that queue on the engine. */
const CURVES = [
  ['flux.1-dev', '1024x1024', 8, 2, 'h100-pcie-x2', 'shm'],
  ['hunyuanvideo-13b', '512x320x17', 8, 2, 'rtx5090-x2', 'staged-copy'],
  ['wan2.1-t2v-14b', '480x416x81', 6, 2, 'a100-pcie-x2', 'shm'],
  ['wan2.1-t2v-14b', '832x480x17', 6, 1, 'h100-pcie-x2', 'none'],
  ['wan2.1-t2v-14b', '480x416x81', 6, 2, 'h200-x1-fitted', 'staged-sm:2'],
  ['flux.1-dev', '1024x1024', 8, 1, 'h200-x2', 'none'],
] as const;
const POINTS = 24;

for (const [model, size, blocks, sp, machine, transport] of CURVES) {
  const system = loadSystem(machine);
  const workload = workloadOf(model, size, blocks, sp);
  const none = makePlan('none', workload, system, sp > 1 ? transport : undefined);
  const most = memoryNeed(workload, system, none).gpuPeakBytes;
  const space = usualSpace(workload, system, sp > 1 ? transport : undefined);
  const least = smallestPlan({ workload, system, space })!.gpuBytes;
  const at = (gpuBytes: number, pinnedBytes = Number.POSITIVE_INFINITY) =>
    bound(workload, system, none, { gpuBytes, pinnedBytes })!;
  const caps = Array.from(
    { length: POINTS },
    (_, point) => least + ((point + 0.5) / POINTS) * (most - least),
  );
  const title = `${model} ${size} on ${machine}, ${sp} ranks over ${transport}`;

  test(`${title}: more memory never raises it, on the GPU or the host`, () => {
    const steps = caps.map((gpuBytes) => at(gpuBytes).stepTimeS);
    for (const [point, stepS] of steps.entries()) {
      if (point > 0) assert.ok(stepS <= steps[point - 1]! * (1 + 1e-6), `${caps[point]}: ${stepS}`);
    }
    const pinned = memoryNeed(
      workload,
      system,
      makePlan('chunked', workload, system, none.transport === 'none' ? undefined : none.transport),
    ).hostPinnedBytes;
    const onHost = [0.3, 0.5, 0.7, 0.9, 1].map(
      (share) => bound(workload, system, none, { gpuBytes: most, pinnedBytes: share * pinned })!.stepTimeS,
    );
    for (const [point, stepS] of onHost.entries()) {
      if (point > 0) assert.ok(stepS <= onHost[point - 1]! * (1 + 1e-6));
    }
  });

  test(`${title}: its dual is the slope, away from where the slope changes`, () => {
    const stepBytes = 2 ** 20;
    let compared = 0;
    for (const gpuBytes of caps) {
      const { stepTimeS, secondsPerGpuByte } = at(gpuBytes);
      const left = (at(gpuBytes - stepBytes).stepTimeS - stepTimeS) / stepBytes;
      const right = (stepTimeS - at(gpuBytes + stepBytes).stepTimeS) / stepBytes;
      const near = 0.01 * Math.max(left, right) + 1e-15;
      if (Math.abs(left - right) > near) continue;
      compared += 1;
      assert.ok(Math.abs(secondsPerGpuByte - left) <= 2 * near, `${gpuBytes}: ${secondsPerGpuByte}, ${left}`);
    }
    assert.ok(compared > POINTS / 2, `${compared} compared`);
  });
}

test.run();

import { loadDit } from '../model/dit/load.ts';
import { parseSize } from '../model/dit/tokens.ts';
import { oneForAll } from '../model/physics/variants/symmetry.ts';
import { makePlan } from '../model/presets/presets.ts';
import { lower } from '../model/program/lower.ts';
import { loadSystem } from '../model/system/load.ts';
import { bindWorkload } from '../model/workload/bind.ts';
import { Engine } from '../sim/engine.ts';

/** The case that both simulation figures are taken on: 40 blocks, two ranks, 16 MiB chunks. */
function benchmarkCase() {
  const system = loadSystem('h200-x2');
  const workload = bindWorkload(loadDit('wan2.1-t2v-14b'), {
    size: parseSize('832x480x41'),
    sp: 2,
    cfg: 'none',
  });
  const plan = makePlan('yield,chunk=16MiB', workload, system);
  return { workload, system, plan };
}

export const BENCHMARK_CASE = 'Wan2.1-14B, 832x480x41, 2x H200 over shm, yield with 16 MiB chunks';

/** Milliseconds for 50 whole steps of 40 blocks on 2 GPUs, every step simulated. */
export function fiftySteps(): number {
  const { workload, system, plan } = benchmarkCase();
  const program = lower(workload, system, plan);
  return medianMs(15, () => new Engine(program, system).run({ exactSteps: 50, fromStart: true }));
}

/** Milliseconds for one candidate plan: made, lowered, simulated until its step repeats, one rank for both alike. */
export function onePlan(): number {
  const { workload, system } = benchmarkCase();
  return medianMs(200, () => {
    const candidate = makePlan('yield,chunk=16MiB', workload, system);
    const alike = oneForAll(system, workload.ranks, candidate.transport)!;
    return new Engine(lower(workload, alike, candidate, 'windows'), alike).run();
  });
}

/** Median wall time of one call in milliseconds, after as many calls of warm-up. */
export function medianMs(calls: number, call: () => unknown): number {
  for (let warm = 0; warm < calls; warm += 1) call();
  const times = Array.from({ length: calls }, () => {
    const start = performance.now();
    call();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[Math.floor(calls / 2)]!;
}

import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { median, quantile } from 'simple-statistics';
import { catalogueIds, loadDit } from '../model/dit/load.ts';
import { memoryNeed } from '../model/physics/memory.ts';
import { makePlan } from '../model/presets/presets.ts';
import { loadSystem, systemIds } from '../model/system/load.ts';
import type { System } from '../model/system/system.ts';
import { bindWorkload } from '../model/workload/bind.ts';
import { passWeightBytes } from '../model/workload/workload.ts';
import { machineCaps } from '../search/caps.ts';
import { smallestPlan } from '../search/leastMemory.ts';
import { optimise } from '../search/optimise.ts';
import { searchOracles } from '../search/searchOracle.ts';
import { usualSpace } from '../search/searchSpace.ts';
import type { Highs } from '../search/solver.ts';

/** A model at its reference size on a machine, and a cap on GPU memory by what it stands for. */
export interface GapCase {
  model: string;
  machine: string;
  cap: (typeof GAP_CAPS)[number];
}

/** What layerwise offload takes; that and so much of the weights; all of the GPU. */
export const GAP_CAPS = ['layerwise', '+25%', '+50%', 'all'] as const;
const MORE = { layerwise: 0, '+25%': 0.25, '+50%': 0.5 } as const;

/** How sure the choice of a case is. */
export interface Gap extends GapCase {
  /** How far it is above what no plan goes below, as a share of it. */
  gap: number;
  proven: boolean;
  plan: string;
  /** Wall time of the search. */
  seconds: number;
}

/**
 * Every model of the catalogue on every machine with GPUs, under all caps; what does not fit is left out when it is solved. Machines of
 * several hosts are left out too: every rank of theirs is simulated, and a search takes minutes.
 */
export function gapCases(): GapCase[] {
  const machines = systemIds().filter(
    (machine) => !machine.startsWith('host') && loadSystem(machine).network === null,
  );
  return catalogueIds().flatMap((model) =>
    machines.flatMap((machine) => GAP_CAPS.map((cap) => ({ model, machine, cap }))),
  );
}

/** Null where the smallest plan takes more than the cap or the GPU has, or the cap is no less than all of it. */
export function gapOf(highs: Highs, one: GapCase): Gap | null {
  const system = loadSystem(one.machine);
  const dit = loadDit(one.model);
  const workload = bindWorkload(dit, { size: dit.referenceSize, sp: degree(dit.heads, system) });
  const all = machineCaps(workload, system);
  const space = usualSpace(workload, system);
  const layerwise = memoryNeed(workload, system, makePlan('layerwise', workload, system)).gpuPeakBytes;
  const gpuBytes =
    one.cap === 'all' ? all.gpuBytes : Math.ceil(layerwise + MORE[one.cap] * passWeightBytes(workload));
  if (one.cap !== 'all' && gpuBytes >= all.gpuBytes) return null;
  const smallest = smallestPlan({ workload, system, space }, all.pinnedBytes);
  if (smallest === null || smallest.gpuBytes > gpuBytes) return null;
  const start = performance.now();
  const search = { highs, workload, system, space, ...searchOracles(workload, system) };
  const { gap, proven, plan } = optimise(search, { ...all, gpuBytes });
  return {
    ...one,
    gap: Math.max(0, gap),
    proven,
    plan: plan.name,
    seconds: (performance.now() - start) / 1e3,
  };
}

/** The gaps of all cases, in their order; every core solves its share of them. */
export async function allGaps(): Promise<Gap[]> {
  const cores = availableParallelism();
  const shares = await Promise.all(Array.from({ length: cores }, (_, core) => gapsOfShare(core, cores)));
  return gapCases().flatMap((_, index) => shares[index % cores]![Math.floor(index / cores)] ?? []);
}

/** Of every so many cases one, in a process of its own. */
function gapsOfShare(core: number, cores: number): Promise<(Gap | null)[]> {
  return new Promise((resolve, reject) => {
    const worker = join(import.meta.dirname, 'gapWorker.ts');
    const child = fork(worker, [`${core}`, `${cores}`], { execArgv: ['--import', 'tsx'] });
    const gaps: (Gap | null)[] = [];
    child.on('message', (gap: Gap | null) => gaps.push(gap));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(gaps) : reject(new Error(`a share of the gaps ended with ${code}`)),
    );
  });
}

/** What is said of the gaps of many cases. */
export interface GapStatistics {
  cases: number;
  proven: number;
  median: number;
  p95: number;
  worst: Gap;
}

export function gapStatistics(gaps: readonly Gap[]): GapStatistics {
  const values = gaps.map(({ gap }) => gap);
  return {
    cases: gaps.length,
    proven: gaps.filter(({ proven }) => proven).length,
    median: median(values),
    p95: quantile(values, 0.95),
    worst: gaps.reduce((worst, one) => (one.gap > worst.gap ? one : worst)),
  };
}

/** All GPUs that the heads can be split over; two where the peers are mirrored. */
function degree(heads: number, system: System): number {
  let sp = system.peer === 'mirrored' ? 2 : system.gpus.length;
  while (heads % sp !== 0) sp -= 1;
  return sp;
}

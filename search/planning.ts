import type { System } from '../model/system/system.ts';
import type { Workload } from '../model/workload/workload.ts';
import type { Caps } from './caps.ts';
import { efficientOptima, frontCaps, optimaAt } from './front.ts';
import { frontThreads, inThread } from './frontThreads.ts';
import type { Optimum } from './optimise.ts';
import { QUICK_EFFORT, type Search } from './search.ts';
import { searchOracles } from './searchOracle.ts';
import { usualSpace } from './searchSpace.ts';
import { loadSolver } from './solver.ts';

/** A search over the usual space of a workload and machine, with the simulator as its oracle. */
export async function planSearch(workload: Workload, system: System, transport?: string): Promise<Search> {
  const space = usualSpace(workload, system, transport);
  return { highs: await loadSolver(), workload, system, space, ...searchOracles(workload, system) };
}

/** What a worker is asked, and what it answers with: the best plan under each of its caps, in their order. */
export interface FrontShare {
  workload: Workload;
  system: System;
  transport: string | undefined;
  gpuCaps: readonly number[];
  pinnedBytes: number;
}

/**
 * The trade of GPU memory for time, its caps spread over the machine's cores: the same points as `paretoFront`, whatever the number
 * of cores, since the search under one cap knows nothing of another's.
 *
 * @param mostThreads that work on it; all cores unless given.
 */
export async function planFront(
  {
    workload,
    system,
    transport,
    points,
    caps,
    mostThreads = frontThreads(),
  }: {
    workload: Workload;
    system: System;
    transport?: string;
    points: number;
    caps: Caps;
    mostThreads?: number;
  },
  onPoint: () => void = () => {},
): Promise<Optimum[]> {
  const search = await planSearch(workload, system, transport);
  const gpuCaps = frontCaps(search, points, caps);
  const { pinnedBytes } = caps;
  const threads = Math.min(mostThreads, gpuCaps.length);
  // Dealt in turn: small caps take longer than large ones.
  const shares = Array.from({ length: threads }, (_, thread) =>
    gpuCaps.filter((_, index) => index % threads === thread),
  );
  const others = shares
    .slice(1)
    .map((share) => inThread({ workload, system, transport, gpuCaps: share, pinnedBytes }, onPoint));
  const own = inTurn(search, shares[0]!, pinnedBytes, onPoint);
  return efficientOptima((await Promise.all([own, ...others])).flat());
}

/** Under each cap, letting messages of workers through in between. */
async function inTurn(
  search: Search,
  gpuCaps: readonly number[],
  pinnedBytes: number,
  onPoint: () => void,
): Promise<Optimum[]> {
  const optima: Optimum[] = [];
  for (const cap of gpuCaps) {
    optima.push(...optimaAt(search, [cap], pinnedBytes, QUICK_EFFORT));
    onPoint();
    await new Promise((resolve) => setTimeout(resolve));
  }
  return optima;
}

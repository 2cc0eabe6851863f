import { UserError } from '../model/input/userError.ts';
import type { Caps } from './caps.ts';
import { infeasible } from './infeasible.ts';
import { smallestPlan } from './leastMemory.ts';
import { type Optimum, optimise } from './optimise.ts';
import { type Effort, QUICK_EFFORT, type Search } from './search.ts';

/**
 * Caps at which a front is looked for: evenly from the least GPU memory that any plan takes to what the best plan under the GPU's
 * own cap takes, beyond which memory buys nothing.
 *
 * @throws UserError where nothing fits, with what the smallest plan needs.
 */
export function frontCaps(search: Search, points: number, { gpuBytes, pinnedBytes }: Caps): number[] {
  const smallest = smallestPlan(search, pinnedBytes);
  if (smallest === null || smallest.gpuBytes > gpuBytes)
    throw new UserError(infeasible(search, { gpuBytes, pinnedBytes }));
  const most = optimise(search, { gpuBytes, pinnedBytes }, QUICK_EFFORT).report.gpuPeakBytes;
  if (points === 1) return [most];
  const step = (most - smallest.gpuBytes) / (points - 1);
  const caps = Array.from({ length: points }, (_, point) => Math.ceil(smallest.gpuBytes + point * step));
  // Where the smallest plan is already the best, there is one point.
  return [...new Set(caps)];
}

/** The best plan under each cap; a cap that a rounding makes infeasible is left out. */
export function optimaAt(
  search: Search,
  gpuCaps: readonly number[],
  pinnedBytes: number,
  effort: Effort = QUICK_EFFORT,
  onPoint: (index: number) => void = () => {},
): Optimum[] {
  return gpuCaps.map((gpuBytes, index) => {
    const optimum = optimise(search, { gpuBytes, pinnedBytes }, effort);
    onPoint(index);
    return optimum;
  });
}

/**
 * Of best plans under several caps those that no other beats: by memory, each faster than all before it. A plan that a smaller cap
 * found and a larger one did not improve on stands once.
 */
export function efficientOptima(optima: readonly Optimum[]): Optimum[] {
  const sorted = [...optima].sort(
    (a, b) => a.report.gpuPeakBytes - b.report.gpuPeakBytes || a.report.stepTimeS - b.report.stepTimeS,
  );
  const front: Optimum[] = [];
  for (const optimum of sorted) {
    const last = front.at(-1);
    if (last === undefined || optimum.report.stepTimeS < last.report.stepTimeS) front.push(optimum);
  }
  return front;
}

/** The trade of GPU memory for time: the efficient ones of the best plans under `points` caps, by memory. */
export function paretoFront(
  search: Search,
  { points, caps }: { points: number; caps: Caps },
  onPoint?: (index: number) => void,
): Optimum[] {
  const gpuCaps = frontCaps(search, points, caps);
  return efficientOptima(optimaAt(search, gpuCaps, caps.pinnedBytes, QUICK_EFFORT, onPoint));
}

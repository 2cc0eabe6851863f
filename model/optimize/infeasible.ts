import { memoryNeed } from '../hiding/memory.ts';
import type { Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import type { Caps } from './caps.ts';
import type { Backend } from './hidingRoom.ts';
import type { Search } from './optimise.ts';
import { PlanMaker } from './streamedPlan.ts';
import { PAGE_BYTES } from './streamProgram.ts';

/** The least memory that a plan of the space takes, with that plan. */
export interface SmallestPlan {
  plan: Plan;
  gpuBytes: number;
  pinnedBytes: number;
}

/**
 * The plan of a space that needs the least GPU memory: nothing, or so much of the largest blocks, stays that residents and buffers
 * together are least.
 *
 * @param pinnedBytes most that may be page-locked on the host for each rank.
 * @returns null where even all weights on the GPU leave more on the host.
 */
export function smallestPlan(
  { workload, system, space }: Pick<Search, 'workload' | 'system' | 'space'>,
  pinnedBytes = Number.POSITIVE_INFINITY,
): SmallestPlan | null {
  let smallest: SmallestPlan | null = null;
  for (const backend of space.backends) {
    for (const residentBytes of evenBuffers(workload)) {
      const found = sized(workload, system, backend, Math.min(...space.slots), residentBytes);
      if (found === null || found.pinnedBytes > pinnedBytes) continue;
      if (smallest === null || found.gpuBytes < smallest.gpuBytes) smallest = found;
    }
  }
  return smallest;
}

/** Residents that leave every block no more than a buffer to stream, for every size of buffer that could be the best. */
function evenBuffers({ blocks }: Workload): number[][] {
  const weights = [...new Set(blocks.map(({ weightBytes }) => weightBytes))];
  const largest = Math.max(...weights);
  const pages = Math.ceil(largest / PAGE_BYTES);
  // Between block sizes memory is linear in the buffer's size, so only those matter; the host's cap may need any of them.
  const sizes = new Set([
    ...weights,
    ...Array.from({ length: 65 }, (_, part) => Math.floor((part / 64) * pages) * PAGE_BYTES),
  ]);
  return [...sizes].map((buffer) =>
    blocks.map(({ weightBytes }) => {
      if (weightBytes <= buffer) return 0;
      return Math.min(weightBytes, Math.ceil((weightBytes - buffer) / PAGE_BYTES) * PAGE_BYTES);
    }),
  );
}

function sized(
  workload: Workload,
  system: System,
  backend: Backend,
  slots: number,
  residentBytes: readonly number[],
): SmallestPlan | null {
  const plan = new PlanMaker(workload, system, 1).make({
    ...{ backend, slots, residentBytes, windows: 'open', issue: 'near', paceS: 0 },
    chunkBytes: Number.POSITIVE_INFINITY,
  });
  if (plan === null) return null;
  const need = memoryNeed(workload, system, plan);
  return { plan, gpuBytes: need.gpuPeakBytes, pinnedBytes: need.hostPinnedBytes };
}

const GiB = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

/** Says why nothing fits the caps: by how much, and what the smallest plan needs. */
export function infeasible(search: Search, caps: Caps): string {
  const onHost = smallestPlan(search, caps.pinnedBytes);
  const smallest = smallestPlan(search)!;
  if (smallest.gpuBytes > caps.gpuBytes) {
    return (
      `no plan fits ${GiB(caps.gpuBytes)} of GPU memory: the smallest needs ${GiB(smallest.gpuBytes)}, ` +
      `${GiB(smallest.gpuBytes - caps.gpuBytes)} more, and pins ${GiB(smallest.pinnedBytes)} on the host`
    );
  }
  const both = `${GiB(caps.gpuBytes)} of GPU memory with ${GiB(caps.pinnedBytes)} of pinned host memory`;
  if (onHost === null) {
    return `no plan fits ${both}: staging of the collectives alone takes more on the host; the smallest plan on the GPU pins ${GiB(smallest.pinnedBytes)}`;
  }
  return (
    `no plan fits ${both}: with so little on the host the smallest needs ${GiB(onHost.gpuBytes)} on the GPU, ` +
    `${GiB(onHost.gpuBytes - caps.gpuBytes)} more; with ${GiB(caps.gpuBytes)} on the GPU at least about ${GiB(leastPinned(search, caps))} must be pinned`
  );
}

/** Page-locked bytes of the plan that uses all of the GPU's cap. */
function leastPinned({ workload, system, space }: Search, { gpuBytes }: Caps): number {
  const pinned = space.backends.flatMap((backend) =>
    evenBuffers(workload).flatMap((residentBytes) => {
      const found = sized(workload, system, backend, Math.min(...space.slots), residentBytes);
      return found === null || found.gpuBytes > gpuBytes ? [] : [found.pinnedBytes];
    }),
  );
  return Math.min(...pinned);
}

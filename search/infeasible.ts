import { GiB, MiB } from '../model/input/byteUnits.ts';
import { memoryNeed } from '../model/physics/memory.ts';
import { makePlan } from '../model/presets/presets.ts';
import { type Caps, fits } from './caps.ts';
import { leastPinnedPlan, smallestPlan } from './leastMemory.ts';
import type { Search } from './search.ts';

/** Bytes, rounded up, so that a cap of what a message says is not too small again. */
function rounded(bytes: number): string {
  if (bytes >= GiB / 10) return `${(Math.ceil((100 * bytes) / GiB) / 100).toFixed(2)} GiB`;
  if (bytes >= MiB / 10) return `${(Math.ceil((100 * bytes) / MiB) / 100).toFixed(2)} MiB`;
  return `${Math.ceil(bytes)} bytes`;
}

/** A cap as it was given: to a hundredth of a GiB, or in MiB or bytes where it is smaller. */
function given(bytes: number): string {
  if (bytes >= GiB / 10) return `${(bytes / GiB).toFixed(2)} GiB`;
  return bytes >= MiB / 10 ? `${(bytes / MiB).toFixed(2)} MiB` : `${bytes} bytes`;
}

/**
 * Says why nothing fits the caps: by how much, and what the smallest plan needs; where both caps are what is too small together,
 * how much of either would do with the other as it is. Plans of the search have two buffers at the least.
 */
export function infeasible(search: Search, caps: Caps): string {
  const smallest = smallestPlan(search)!;
  if (smallest.gpuBytes > caps.gpuBytes) {
    return (
      `no plan fits ${given(caps.gpuBytes)} of GPU memory: the smallest needs ${rounded(smallest.gpuBytes)}, ` +
      `${rounded(smallest.gpuBytes - caps.gpuBytes)} more, and pins ${rounded(smallest.pinnedBytes)} on the host${sequentialFits(search, caps)}`
    );
  }
  if (search.workload.waitingExperts > 0)
    return (
      `no plan fits ${given(caps.pinnedBytes)} of pinned host memory: where experts wait there, all weights of all of them are page-locked, ` +
      `${rounded(smallest.pinnedBytes)}; raise --host-memory, or leave out --experts-on-gpu`
    );
  const both = `${given(caps.gpuBytes)} of GPU memory with ${given(caps.pinnedBytes)} of pinned host memory`;
  const pinned = leastPinnedPlan(search, caps.gpuBytes)!;
  const less = `with ${given(caps.gpuBytes)} on the GPU at least ${rounded(pinned.pinnedBytes)} must be pinned, ${rounded(pinned.pinnedBytes - caps.pinnedBytes)} more`;
  const onHost = smallestPlan(search, caps.pinnedBytes);
  if (onHost === null) {
    return `no plan fits ${both}: staging of the collectives alone takes more on the host; ${less}`;
  }
  return (
    `no plan fits ${both}: with so little on the host the smallest needs ${rounded(onHost.gpuBytes)} on the GPU, ` +
    `${rounded(onHost.gpuBytes - caps.gpuBytes)} more; ${less}`
  );
}

/** The one preset with a single buffer overlaps nothing, so that the search has no plans like it; but it takes the least of all. */
function sequentialFits({ workload, system }: Search, caps: Caps): string {
  const plan = makePlan('sequential', workload, system);
  const need = memoryNeed(workload, system, plan);
  return fits(workload, system, plan, caps)
    ? `; --plan sequential, which overlaps nothing, takes ${rounded(need.gpuPeakBytes)}`
    : '';
}

import { hostShareBytes, memoryNeed } from '../model/physics/memory.ts';
import type { Plan } from '../model/plan/plan.ts';
import type { System } from '../model/system/system.ts';
import type { Workload } from '../model/workload/workload.ts';

/** Bytes of memory that a plan may take on each GPU, and page-locked on the host for each rank. */
export interface Caps {
  gpuBytes: number;
  pinnedBytes: number;
}

/** All of the GPU, and for each rank its share of the host's memory. */
export function machineCaps(workload: Workload, system: System): Caps {
  return { gpuBytes: system.gpu.memoryBytes, pinnedBytes: hostShareBytes(system, workload.ranks) };
}

/** Whether a plan keeps within the caps. */
export function fits(workload: Workload, system: System, plan: Plan, caps: Caps): boolean {
  const need = memoryNeed(workload, system, plan);
  return need.gpuPeakBytes <= caps.gpuBytes && need.hostPinnedBytes <= caps.pinnedBytes;
}

import type { Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import { stagesInHostMemory, transportOf } from '../system/transport.ts';
import type { Workload } from '../workload/workload.ts';

/** Bytes that a plan needs, by what they are for. */
export interface MemoryNeed {
  /** Weights outside the blocks, all experts. */
  outsideBytes: number;
  /** Block weights that stay, all experts. */
  residentBytes: number;
  /** Device buffers that blocks are copied into: slots x the largest streamed block. */
  slotBytes: number;
  activationBytes: number;
  collectiveBufferBytes: number;
  /** What the model does not hold: context, libraries, and a transport's own buffers. */
  reserveBytes: number;
  gpuPeakBytes: number;
  /** Page-locked host memory of one rank: the streamed weights of all experts, and staging of collectives. */
  hostPinnedBytes: number;
}

/**
 * Peak GPU memory and pinned host memory of one rank under a plan.
 *
 * A copy in flight needs no memory of its own: it lands in its slot. Residents are kept for every expert,
 * because the step after the switch needs them at once.
 */
export function memoryNeed(workload: Workload, system: System, plan: Plan): MemoryNeed {
  const { experts, blocks } = workload;
  const residentBytes = experts * sum(plan.blocks.map((block) => block.residentBytes));
  const streamed = plan.blocks.map((block) => sum(block.windowBytes));
  const slotBytes = plan.slots * Math.max(0, ...streamed);
  const transport = workload.ranks > 1 ? transportOf(system, plan.transport, workload.ranks) : null;
  const staged = transport !== null && stagesInHostMemory(transport.carrier);
  const { outsideBytes, activationBytes, collectiveBufferBytes } = workload;
  const buffersBytes = transport?.kind === 'flow' ? transport.deviceBufferBytes : 0;
  const reserveBytes = system.host.deviceReserveBytes + buffersBytes;
  const allWeights = experts * sum(blocks.map((block) => block.weightBytes));
  return {
    outsideBytes,
    residentBytes,
    slotBytes,
    activationBytes,
    collectiveBufferBytes,
    reserveBytes,
    gpuPeakBytes:
      outsideBytes + residentBytes + slotBytes + activationBytes + collectiveBufferBytes + reserveBytes,
    hostPinnedBytes: allWeights - residentBytes + (staged ? collectiveBufferBytes : 0),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

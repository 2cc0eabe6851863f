import type { Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import {
  betweenRanks,
  collectiveTransport,
  type FlowTransport,
  stagesInHostMemory,
  transportNamed,
} from '../system/transport.ts';
import type { Workload } from '../workload/workload.ts';
import { spreadOf } from './rankGroups.ts';

/** Bytes that a plan needs, by what they are for. */
export interface MemoryNeed {
  /** Weights outside the blocks, of all experts on the GPU. */
  outsideBytes: number;
  /** Block weights that stay, of all experts on the GPU. */
  residentBytes: number;
  /** Device buffers that blocks are copied into: slots x the largest streamed block. */
  slotBytes: number;
  activationBytes: number;
  collectiveBufferBytes: number;
  /**
   * What the model does not hold: context, libraries, and a transport's own buffers; of a profiled model, what its process was
   * seen to take, PyTorch's allocator included.
   */
  reserveBytes: number;
  gpuPeakBytes: number;
  /** Page-locked host memory of one rank: the streamed weights of all experts, and staging of collectives. */
  hostPinnedBytes: number;
}

/**
 * Peak GPU memory and pinned host memory of one rank under a plan.
 *
 * A copy in flight needs no memory of its own: it lands in its slot. Residents are kept for every expert
 * on the GPU, because the step after the switch needs them at once. Where experts wait in host memory, all weights of all of them
 * are page-locked there, residents as well: a switch copies those in, and the next run copies the first ones back.
 */
export function memoryNeed(workload: Workload, system: System, plan: Plan): MemoryNeed {
  const residentBytes = workload.experts * sum(plan.blocks.map((block) => block.residentBytes));
  const streamed = plan.blocks.map((block) => sum(block.windowBytes));
  const slotBytes = plan.slots * Math.max(0, ...streamed);
  const transport = collectiveTransport(system, plan, workload.ranks);
  const staged = transport !== null && stagesInHostMemory(transport.carrier);
  const { outsideBytes, activationBytes, collectiveBufferBytes } = workload;
  const profiledBytes = workload.from === 'profile' ? workload.processBytes : null;
  const reserveBytes = profiledBytes ?? reserveBytesOf(system, plan.transport, workload.ranks);
  return {
    outsideBytes,
    residentBytes,
    slotBytes,
    activationBytes,
    collectiveBufferBytes,
    reserveBytes,
    gpuPeakBytes:
      outsideBytes + residentBytes + slotBytes + activationBytes + collectiveBufferBytes + reserveBytes,
    hostPinnedBytes:
      (plan.source === 'pageable' ? 0 : hostWeightBytes(workload, plan)) +
      (staged ? collectiveBufferBytes : 0),
  };
}

/** Host memory that the weights of one rank wait in, bytes, whether it is page-locked or not. */
export function hostWeightBytes(workload: Workload, plan: Plan): number {
  const { experts, waitingExperts, blocks, outsideBytes } = workload;
  const ofExpert = sum(blocks.map((block) => block.weightBytes));
  if (waitingExperts > 0) return (experts + waitingExperts) * (ofExpert + outsideBytes / experts);
  return experts * (ofExpert - sum(plan.blocks.map((block) => block.residentBytes)));
}

/**
 * Device memory of one rank that belongs to no plan, bytes: the context, kernels and libraries of any program on the machine
 * (`host.deviceReserve`), and the buffers of the transport (`deviceBuffers`), which one rank does without.
 *
 * @param transport of the plan's collectives; undefined for the machine's own choice.
 * @throws UserError for a transport that the machine does not have, where there are several ranks.
 *
 * @example reserveBytesOf(system, 'shm', 2) // 1.06 GB + 462 MiB
 */
export function reserveBytesOf(system: System, transport: string | undefined, ranks: number): number {
  const own = collectiveTransport(system, { transport }, ranks);
  return (
    system.host.deviceReserveBytes + (own?.kind === 'flow' ? transportBufferBytes(system, own, ranks) : 0)
  );
}

/**
 * Device memory that a transport takes on each rank. Between hosts: that of what stays within a host, and what NCCL has for the network,
 * with buffers of their own for each peer beyond (channels x buffer): flat those of all other hosts, in two phases those of one index.
 */
function transportBufferBytes(system: System, flow: FlowTransport, ranks: number): number {
  const { network, deviceBufferBytes } = flow;
  if (network === undefined) return deviceBufferBytes;
  const { hosts, perHost } = spreadOf(system, ranks, { ranks, stride: 1 });
  const inHost = network.within === null ? null : transportNamed(system, network.within);
  const ofHost = inHost?.kind === 'flow' && perHost > 1 ? betweenRanks(inHost, perHost).deviceBufferBytes : 0;
  if (hosts === 1) return ofHost;
  const peers = network.algorithm === 'flat' ? ranks - perHost : hosts - 1;
  return ofHost + deviceBufferBytes + peers * network.peerBufferBytes;
}

/** Host memory of each rank: an equal share of all that run on its host. */
export function hostShareBytes({ host, peer, network }: System, ranks: number): number {
  const onHost = network === null ? ranks : Math.min(ranks, network.gpusPerHost);
  return host.memoryBytes / (peer === 'mirrored' ? 1 : onHost);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

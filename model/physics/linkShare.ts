import type { CollectiveKind } from '../dit/kinds.ts';
import type { System } from '../system/system.ts';
import type { CollectiveRate, FlowTransport } from '../system/transport.ts';
import { pathToMemory } from '../system/tree.ts';

/** GPUs that the first `ranks` ranks use: all on the first where peers are colocated. */
export function gpusOfRanks(system: System, ranks: number): string[] {
  return Array.from({ length: ranks }, (_, rank) =>
    system.peer === 'colocated' ? system.gpus[0]! : system.gpus[Math.min(rank, system.gpus.length - 1)]!,
  );
}

/** Ranks that really run: one where the peers are mirrored. */
export function runningRanks(system: System, groupSize: number): number {
  return system.peer === 'mirrored' ? 1 : groupSize;
}

/** Ranks that compute and copy on one GPU. */
export function ranksPerGpu(system: System, groupSize: number): number {
  return system.peer === 'colocated' ? runningRanks(system, groupSize) : 1;
}

/**
 * H2D bytes/s that links leave each rank's GPU while all of them load: its copy engine's rate, or its share of the link
 * with the most GPUs below it. Colocated ranks share one engine. Host memory may allow less: `copyRates`.
 */
export function linkRateAllLoading(system: System, ranks: number): number[] {
  const paths = gpusOfRanks(system, ranks).map((gpu) => pathToMemory(system.tree, gpu));
  const loads = new Map<string, number>();
  for (const { links } of paths) {
    for (const { id } of links) loads.set(id, (loads.get(id) ?? 0) + 1);
  }
  const sharing = system.peer === 'colocated' ? ranks : 1;
  return paths.map(({ links }) =>
    Math.min(
      system.gpu.copyEngine.h2dBytesPerS / sharing,
      ...links.map((link) => Math.min(link.downBytesPerS, link.duplexBytesPerS) / loads.get(link.id)!),
    ),
  );
}

/** How a collective's flow weighs against an H2D copy (weight 1) on the links that both cross. */
export interface Weighing {
  /** Share per unit of the copy's share. */
  weight: number;
  /** Capacity of the receiver's down links that one payload byte uses, in bytes of H2D. */
  downCoefficient: number;
}

/**
 * Weight and coefficient that reproduce a measured contention: with copies and the collective both running on
 * every rank, each keeps the stated fraction of its own rate.
 *
 *   weight      = (collective x R) / (h2d x C)
 *   coefficient = (1 - h2d) x C / (collective x R)
 *
 * R is the collective's rate alone, C the H2D rate that links allow with all ranks loading. The pair saturates the link exactly:
 * h2d x C + coefficient x collective x R = C.
 */
export function weigh({ bytesPerS, besideH2d }: CollectiveRate, h2dBytesPerS: number): Weighing {
  const beside = besideH2d.collective * bytesPerS;
  return {
    weight: beside / (besideH2d.h2d * h2dBytesPerS),
    downCoefficient: ((1 - besideH2d.h2d) * h2dBytesPerS) / beside,
  };
}

/** Bytes that take as long at a transport's rate as a message and the filling of its pipeline together. */
export function bytesWithFill({ fill }: FlowTransport, sentBytes: number): number {
  return fill === null ? sentBytes : sentBytes + fill.cost * Math.min(sentBytes, fill.bytes);
}

/** Seconds of a collective by itself: start-up plus bytes over its rate. */
export function collectiveAloneS(transport: FlowTransport, kind: CollectiveKind, sentBytes: number): number {
  return transport.latencyS + bytesWithFill(transport, sentBytes) / transport.collectives[kind].bytesPerS;
}

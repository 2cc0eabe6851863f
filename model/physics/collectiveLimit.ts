import type { CollectiveKind } from '../dit/kinds.ts';
import type { System } from '../system/system.ts';
import type { FlowTransport } from '../system/transport.ts';
import { isNetworkFlow, type NetworkFlow } from './collectivePhases.ts';
import { collectiveUses, resourceLimit } from './linkRoutes.ts';
import { gpusOfRanks } from './linkShare.ts';

/** What holds a collective back by itself, of those whose rates follow from the routes of their bytes. */
export type CollectiveLimit =
  /** A link, switch or memory, as `collectiveUses` names it. */
  | { by: 'resource'; resource: string }
  /** What stays within the host, by its transport. */
  | { by: 'within'; transport: string }
  /** The transport's own rate. */
  | { by: 'transport'; transport: string };

/** Bytes/s that agree to so much are one limit. */
const TIE = 1e-9;

/** The first to be full of what a collective between all ranks uses, while all of them send alike. */
export function collectiveLimit(
  system: System,
  ranks: number,
  flow: FlowTransport,
  kind: CollectiveKind,
): CollectiveLimit {
  const loads = new Map<string, number>();
  for (let rank = 0; rank < gpusOfRanks(system, ranks).length; rank += 1)
    for (const { resource, coefficient } of collectiveUses(system, ranks, rank, flow, kind))
      loads.set(resource, (loads.get(resource) ?? 0) + coefficient);
  const own = flow.collectives[kind].bytesPerS;
  let least = { resource: '', bytesPerS: Number.POSITIVE_INFINITY };
  for (const [resource, load] of loads) {
    const bytesPerS = resourceLimit(system, resource).capacity / load;
    if (bytesPerS < least.bytesPerS * (1 - TIE)) least = { resource, bytesPerS };
  }
  if (least.bytesPerS <= own * (1 + TIE)) return { by: 'resource', resource: least.resource };
  if (isNetworkFlow(flow) && isWithin(flow, kind)) return { by: 'within', transport: flow.inHost!.name };
  return { by: 'transport', transport: flow.name };
}

/** Whether a flow between hosts goes as fast as what stays within them. */
function isWithin({ inHost, inHostShare, collectives }: NetworkFlow, kind: CollectiveKind): boolean {
  if (inHost === null) return false;
  return inHost.collectives[kind].bytesPerS / inHostShare <= collectives[kind].bytesPerS * (1 + TIE);
}

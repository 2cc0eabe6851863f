import type { CollectiveKind } from '../dit/kinds.ts';
import type { System, TreeNode } from '../system/system.ts';
import type { CollectiveRate, FlowTransport } from '../system/transport.ts';
import { pathToMemory } from '../system/tree.ts';
import { type GroupFlow, groupOf, isNetworkFlow, type NetworkFlow } from './collectivePhases.ts';
import { gpusOfRanks, linkRateAllLoading, weigh } from './linkShare.ts';
import { networkUses } from './networkRoutes.ts';
import { membersOf } from './rankGroups.ts';
import { linkUses, memoryUses, merged, pathBetween, type Use } from './routes.ts';

export type { Use } from './routes.ts';

/**
 * What a copy between a GPU and its host memory uses: its links in that direction (and their duplex limit), and
 * the memory.
 *
 * @param readShare of what is copied to the GPU that comes from memory; the CPU's cache has the rest.
 */
export function copyUses(system: System, gpu: string, direction: 'down' | 'up', readShare = 1): Use[] {
  const { links, memory } = pathToMemory(system.tree, gpu);
  const ofMemory = direction === 'down' ? memoryUses(memory, readShare, 0) : memoryUses(memory, 0, 1);
  return [...links.flatMap((node) => linkUses(node, direction, 1)), ...ofMemory];
}

/** What a D2H copy of a GPU weighs against other flows where a soft limit of its host memory shares. */
export function writeWeightOf(system: System, gpu: string): number {
  return pathToMemory(system.tree, gpu).memory.memory?.writeWeight ?? 1;
}

/**
 * What arrives at one rank in a collective, from all its peers in equal parts: each peer's way up, host memory
 * written and read, and the receiver's way down, where H2D prefetch also lives. `peer` paths turn at the lowest
 * common node; NVLink leaves the tree alone but for what contention was measured. A mirrored rank sends to itself.
 */
export function collectiveUses(
  system: System,
  ranks: number,
  rank: number,
  transport: FlowTransport,
  kind: CollectiveKind,
): Use[] {
  if (isNetworkFlow(transport)) return networkCollectiveUses(system, ranks, rank, transport, kind);
  const gpus = gpusOfRanks(system, ranks);
  const receiver = gpus[rank]!;
  const h2dBytesPerS = linkRateAllLoading(system, ranks)[rank]!;
  const { downCoefficient } = weigh(transport.collectives[kind], h2dBytesPerS);
  const { links, memory } = pathToMemory(system.tree, receiver);
  const down = links.flatMap((node) => linkUses(node, 'down', downCoefficient));
  if (transport.path === 'nvlink') return merged(down);
  const group = groupOf(transport);
  const members = group === null ? gpus : membersOf(rank, group).map((member) => gpus[member]!);
  const senders =
    system.peer === 'mirrored'
      ? [receiver]
      : members.filter((_, other) => other !== members.indexOf(receiver));
  const share = 1 / senders.length;
  // A mirrored rank writes to its own pinned memory and reads it back, whatever the path to a real peer would be.
  const direct = transport.path === 'peer' && system.peer === 'real';
  const hops = senders.flatMap((sender) => {
    const way = pathBetween(system.tree, sender, direct ? receiver : memory.id);
    return [
      ...way.up.flatMap((node) => linkUses(node, 'up', share)),
      ...way.down.flatMap((node) => linkUses(node, 'down', share * (direct ? downCoefficient : 1))),
    ];
  });
  const { hostShare } = transport;
  return merged(direct ? hops : [...hops, ...down, ...memoryUses(memory, hostShare, hostShare)]);
}

/**
 * The same of a collective between hosts: its part within the host as over that transport, its part beyond over NICs. Where somebody has
 * measured what it and H2D leave each other, the receiver's links have that instead of the bytes that arrive.
 */
function networkCollectiveUses(
  system: System,
  ranks: number,
  rank: number,
  flow: NetworkFlow,
  kind: CollectiveKind,
): Use[] {
  const gpus = gpusOfRanks(system, ranks);
  const between = networkUses(system, flow, gpus, rank);
  const rate = flow.collectives[kind];
  if (!followsRoutes(rate)) {
    const { links } = pathToMemory(system.tree, gpus[rank]!);
    const { downCoefficient } = weigh(rate, linkRateAllLoading(system, ranks)[rank]!);
    const own = links.flatMap((node) => linkUses(node, 'down', downCoefficient));
    const replaced = new Set(own.map(({ resource }) => resource));
    return merged([...between.filter(({ resource }) => !replaced.has(resource)), ...own]);
  }
  return merged([...between, ...usesInHost(system, ranks, rank, flow, kind)]);
}

function usesInHost(
  system: System,
  ranks: number,
  rank: number,
  { group, inHost, inHostShare }: NetworkFlow,
  kind: CollectiveKind,
): Use[] {
  if (inHost === null) return [];
  const { gpusPerHost } = system.network!;
  const onHost: GroupFlow = {
    ...inHost,
    group: { ranks: gpusPerHost / group.stride, stride: group.stride },
  };
  const uses = collectiveUses(system, ranks, rank, onHost, kind);
  return uses.map(({ resource, coefficient }) => ({ resource, coefficient: coefficient * inHostShare }));
}

/** Whether what is left of a collective between hosts and of H2D follows from the routes of their bytes: nobody has measured it. */
function followsRoutes({ besideH2d }: CollectiveRate): boolean {
  return besideH2d.h2d === 1;
}

/**
 * Share of links that a collective's flow has per unit of a copy's share. Between hosts, where it follows from routes, bytes of NICs and
 * of copies count alike on a link, and neither part of the flow has more than it would by itself: a flow that sends 1/b of its bytes
 * over its NIC weighs b times as much.
 */
export function flowWeight(transport: FlowTransport, kind: CollectiveKind, h2dBytesPerS: number): number {
  const rate = transport.collectives[kind];
  if (!isNetworkFlow(transport) || !followsRoutes(rate)) return weigh(rate, h2dBytesPerS).weight;
  const { inHost, inHostShare, shares } = transport;
  const between = 1 / shares.between;
  if (inHost === null) return between;
  return Math.min(between, weigh(inHost.collectives[kind], h2dBytesPerS).weight / inHostShare);
}

/** What limits a resource: bytes/s, and how hard, see `served`. */
export interface Limit {
  capacity: number;
  sharpness: number;
}

function nodeOf({ tree, network }: System, id: string): TreeNode {
  return (tree.find((node) => node.id === id) ?? network?.nodes.find((node) => node.id === id))!;
}

/** The limit of a resource that `copyUses` or `collectiveUses` names. */
export function resourceLimit(system: System, resource: string): Limit {
  const [kind, id] = resource.split(' ') as [string, string];
  const { downBytesPerS, upBytesPerS, duplexBytesPerS, memory } = nodeOf(system, id);
  const hard = (capacity: number) => ({ capacity, sharpness: Number.POSITIVE_INFINITY });
  switch (kind) {
    case 'down':
      return hard(downBytesPerS);
    case 'up':
      return hard(upBytesPerS);
    case 'duplex':
      return hard(duplexBytesPerS);
    case 'reads':
      return { capacity: memory!.readBytesPerS, sharpness: memory!.sharpness };
    case 'writes':
      return { capacity: memory!.writeBytesPerS, sharpness: memory!.sharpness };
    default:
      return { capacity: memory!.bytesPerS, sharpness: memory!.sharpness };
  }
}

import type { CollectiveKind } from '../dit/kinds.ts';
import type { System, TreeNode } from '../system/system.ts';
import type { FlowTransport } from '../system/transport.ts';
import { ancestors, pathToMemory } from '../system/tree.ts';
import { gpusOfRanks, linkRateAllLoading, weigh } from './linkShare.ts';

/** What one payload byte of a path uses of a resource: `down gpu0`, `up`, `duplex`, `memory socket0`, `reads`, `writes`. */
export interface Use {
  resource: string;
  coefficient: number;
}

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
  const gpus = gpusOfRanks(system, ranks);
  const receiver = gpus[rank]!;
  const h2dBytesPerS = linkRateAllLoading(system, ranks)[rank]!;
  const { downCoefficient } = weigh(transport.collectives[kind], h2dBytesPerS);
  const { links, memory } = pathToMemory(system.tree, receiver);
  const down = links.flatMap((node) => linkUses(node, 'down', downCoefficient));
  if (transport.path === 'nvlink') return merged(down);
  const senders = system.peer === 'mirrored' ? [receiver] : gpus.filter((_, other) => other !== rank);
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

/** What limits a resource: bytes/s, and how hard, see `served`. */
export interface Limit {
  capacity: number;
  sharpness: number;
}

/** The limit of a resource that `copyUses` or `collectiveUses` names. */
export function resourceLimit(system: System, resource: string): Limit {
  const [kind, id] = resource.split(' ') as [string, string];
  const { downBytesPerS, upBytesPerS, duplexBytesPerS, memory } = system.tree.find((node) => node.id === id)!;
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

/** Reads and writes of host memory for each payload byte; only limits that there are. */
function memoryUses({ id, memory }: TreeNode, reads: number, writes: number): Use[] {
  return [
    { resource: `memory ${id}`, coefficient: reads + writes, limit: memory!.bytesPerS },
    { resource: `reads ${id}`, coefficient: reads, limit: memory!.readBytesPerS },
    { resource: `writes ${id}`, coefficient: writes, limit: memory!.writeBytesPerS },
  ].flatMap(({ resource, coefficient, limit }) =>
    coefficient > 0 && Number.isFinite(limit) ? [{ resource, coefficient }] : [],
  );
}

function linkUses(node: TreeNode, direction: 'down' | 'up', coefficient: number): Use[] {
  const uses = [{ resource: `${direction} ${node.id}`, coefficient }];
  if (Number.isFinite(node.duplexBytesPerS)) uses.push({ resource: `duplex ${node.id}`, coefficient });
  return uses;
}

/** Nodes between two nodes of the tree: up to where their ways to the top meet, then down. */
function pathBetween(
  tree: readonly TreeNode[],
  from: string,
  to: string,
): { up: TreeNode[]; down: TreeNode[] } {
  const fromChain = ancestors(tree, from);
  const toChain = ancestors(tree, to);
  const meeting = fromChain.find((node) => toChain.includes(node))!;
  return {
    up: fromChain.slice(0, fromChain.indexOf(meeting)),
    down: toChain.slice(0, toChain.indexOf(meeting)),
  };
}

/** Uses of the same resource added up, without those that use nothing. */
function merged(uses: readonly Use[]): Use[] {
  const sums = new Map<string, number>();
  for (const { resource, coefficient } of uses) sums.set(resource, (sums.get(resource) ?? 0) + coefficient);
  return [...sums].flatMap(([resource, coefficient]) => (coefficient > 0 ? [{ resource, coefficient }] : []));
}

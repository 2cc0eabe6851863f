import type { CollectiveKind } from '../workload/workload.ts';
import { gpusOfRanks, h2dRateAllLoading, weigh } from './linkShare.ts';
import type { System, TreeNode } from './system.ts';
import type { FlowTransport } from './transport.ts';
import { ancestors, pathToMemory } from './tree.ts';

/** What one payload byte of a path uses of a resource. Resources are named `down gpu0`, `memory socket0`, ... */
export interface Use {
  resource: string;
  coefficient: number;
}

/**
 * What a copy between a GPU and its host memory uses: its links in that direction (and their duplex limit), and
 * the memory.
 */
export function copyUses(system: System, gpu: string, direction: 'down' | 'up'): Use[] {
  const { links, memory } = pathToMemory(system.tree, gpu);
  return [
    ...links.flatMap((node) => linkUses(node, direction, 1)),
    { resource: `memory ${memory.id}`, coefficient: 1 },
  ];
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
  const h2dBytesPerS = h2dRateAllLoading(system, ranks)[rank]!;
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
  return merged(direct ? hops : [...hops, ...down, { resource: `memory ${memory.id}`, coefficient: 2 }]);
}

/** Bytes/s of a resource. */
export function resourceCapacity(system: System, resource: string): number {
  const [kind, id] = resource.split(' ') as [string, string];
  const node = system.tree.find((candidate) => candidate.id === id)!;
  if (kind === 'down') return node.downBytesPerS;
  if (kind === 'up') return node.upBytesPerS;
  return kind === 'duplex' ? node.duplexBytesPerS : node.memoryBytesPerS!;
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

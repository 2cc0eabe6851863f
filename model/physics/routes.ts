import type { TreeNode } from '../system/system.ts';
import { ancestors } from '../system/tree.ts';

/** What one payload byte of a path uses of a resource: `down gpu0`, `up`, `duplex`, `memory socket0`, `reads`, `writes`. */
export interface Use {
  resource: string;
  coefficient: number;
}

/** Reads and writes of host memory for each payload byte; only limits that there are. */
export function memoryUses({ id, memory }: TreeNode, reads: number, writes: number): Use[] {
  return [
    { resource: `memory ${id}`, coefficient: reads + writes, limit: memory!.bytesPerS },
    { resource: `reads ${id}`, coefficient: reads, limit: memory!.readBytesPerS },
    { resource: `writes ${id}`, coefficient: writes, limit: memory!.writeBytesPerS },
  ].flatMap(({ resource, coefficient, limit }) =>
    coefficient > 0 && Number.isFinite(limit) ? [{ resource, coefficient }] : [],
  );
}

export function linkUses(node: TreeNode, direction: 'down' | 'up', coefficient: number): Use[] {
  const uses = [{ resource: `${direction} ${node.id}`, coefficient }];
  if (Number.isFinite(node.duplexBytesPerS)) uses.push({ resource: `duplex ${node.id}`, coefficient });
  return uses;
}

/** Nodes between two nodes of the tree: up to where their ways to the top meet, then down. */
export function pathBetween(
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
export function merged(uses: readonly Use[]): Use[] {
  const sums = new Map<string, number>();
  for (const { resource, coefficient } of uses) sums.set(resource, (sums.get(resource) ?? 0) + coefficient);
  return [...sums].flatMap(([resource, coefficient]) => (coefficient > 0 ? [{ resource, coefficient }] : []));
}

import { UserError } from '../input/userError.ts';
import type { SystemFile } from './format.ts';
import { pcieBytesPerS } from './pcie.ts';
import type { HostMemory, TreeNode } from './system.ts';

/**
 * The PCIe tree of a machine file, checked: every parent exists, no cycle, every GPU reaches host memory, every
 * link has a rate.
 *
 * @throws UserError whose message starts with the key at fault, for the loader to place.
 */
export function buildTree(file: SystemFile): TreeNode[] {
  const nodes = Object.entries(file.tree).map(([id, node]): TreeNode => {
    const rate = (direction: 'down' | 'up'): number => {
      const explicit = node[direction];
      if (explicit !== undefined) return explicit.value;
      if (node.pcie !== undefined) return pcieBytesPerS(node.pcie.gen, node.pcie.lanes, direction);
      if (node.parent === undefined) return Number.POSITIVE_INFINITY;
      throw new TreeError(
        id,
        `the link to ${node.parent} has no rate; give pcie: {gen, lanes} or ${direction}`,
      );
    };
    if (node.parent !== undefined && !Object.hasOwn(file.tree, node.parent)) {
      throw new TreeError(
        id,
        `its parent "${node.parent}" is no node; nodes are ${Object.keys(file.tree).join(', ')}`,
        'parent',
      );
    }
    return {
      id,
      parent: node.parent ?? null,
      downBytesPerS: rate('down'),
      upBytesPerS: rate('up'),
      duplexBytesPerS: node.duplex?.value ?? Number.POSITIVE_INFINITY,
      memory: memoryOf(node),
    };
  });
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) {
    const chain = [node.id];
    for (let above = node.parent; above !== null; above = byId.get(above)!.parent) {
      if (chain.includes(above)) {
        throw new TreeError(
          node.id,
          `the tree is cyclic: ${[...chain, above].join(' -> ')}; one node must have no parent`,
          'parent',
        );
      }
      chain.push(above);
    }
  }
  const tops = nodes.filter((node) => node.parent === null);
  if (tops.length !== 1) {
    throw new TreeError(
      tops[1]?.id ?? '',
      `expected one node without a parent, got ${tops.map((top) => top.id).join(', ')}`,
    );
  }
  return nodes;
}

function memoryOf({
  memory,
  reads,
  writes,
  sharpness,
  writeWeight,
}: SystemFile['tree'][string]): HostMemory | null {
  if (memory === undefined) return null;
  return {
    bytesPerS: memory.value,
    readBytesPerS: reads?.value ?? Number.POSITIVE_INFINITY,
    writeBytesPerS: writes?.value ?? Number.POSITIVE_INFINITY,
    sharpness: sharpness?.value ?? Number.POSITIVE_INFINITY,
    writeWeight: writeWeight?.value ?? 1,
  };
}

/** A fault in the tree, with the node at fault. */
export class TreeError extends UserError {
  readonly path: readonly string[];

  constructor(node: string, message: string, key?: string) {
    super(message);
    this.path = ['tree', node, ...(key === undefined ? [] : [key])];
  }
}

/** Nodes from one up to the top, itself first. */
export function ancestors(tree: readonly TreeNode[], id: string): TreeNode[] {
  const chain: TreeNode[] = [];
  let above: string | null = id;
  while (above !== null) {
    const node: TreeNode | undefined = tree.find((candidate) => candidate.id === above);
    if (node === undefined) break;
    chain.push(node);
    above = node.parent;
  }
  return chain;
}

/** The nodes whose links a copy between a GPU and its host memory crosses, the GPU first, and where that memory is. */
export function pathToMemory(
  tree: readonly TreeNode[],
  gpu: string,
): { links: TreeNode[]; memory: TreeNode } {
  const chain = ancestors(tree, gpu);
  const memory = chain.findIndex((node) => node.memory !== null);
  return { links: chain.slice(0, memory), memory: chain[memory]! };
}

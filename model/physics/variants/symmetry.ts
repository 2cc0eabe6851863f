import type { HostMemory, System, TreeNode } from '../../system/system.ts';
import type { Transport } from '../../system/transport.ts';
import { pathToMemory } from '../../system/tree.ts';
import { gpusOfRanks } from '../linkShare.ts';

/**
 * A machine on which one rank stands for all, or null where the ranks differ.
 *
 * Ranks that do the same thing at the same time on GPUs that sit alike in the tree see the same rates. So one of
 * them, with its share of everything shared and a mirrored peer, takes exactly as long as all together: what its
 * peers would send it passes the same links that its own bytes to them pass. Links above the memory node are not
 * alike for all pairs, so GPUs on different sockets, peers that are not reached through host memory or NVLink,
 * such as those on other hosts, and colocated ranks are left as they are.
 */
export function oneForAll(system: System, ranks: number, transport: string): System | null {
  if (system.peer !== 'real' || ranks < 2 || ranks > system.gpus.length) return null;
  const flow = system.transports.find((candidate) => candidate.name === transport);
  if (flow?.kind === 'flow' && (flow.path === 'peer' || flow.path === 'network')) return null;
  const paths = gpusOfRanks(system, ranks).map((gpu) => pathToMemory(system.tree, gpu));
  const [first] = paths;
  const below = (node: TreeNode) =>
    paths.filter(({ links, memory }) => [...links, memory].includes(node)).length;
  const alike = paths.every(
    ({ links, memory }) =>
      memory === first!.memory &&
      links.length === first!.links.length &&
      links.every(
        (node, level) => sameLink(node, first!.links[level]!) && below(node) === below(first!.links[level]!),
      ),
  );
  if (!alike) return null;
  const chain = [...first!.links, first!.memory];
  const tree = chain.map((node, level): TreeNode => {
    const share = 1 / below(node);
    return {
      id: node.id,
      parent: chain[level + 1]?.id ?? null,
      downBytesPerS: node.downBytesPerS * share,
      upBytesPerS: node.upBytesPerS * share,
      duplexBytesPerS: node.duplexBytesPerS * share,
      memory: node.memory === null ? null : sharedMemory(node.memory, share),
    };
  });
  // What one rank stages has its share of the CPU's cache.
  const share = 1 / below(first!.memory);
  const transports = system.transports.map(
    (one): Transport => (one.kind === 'flow' ? one : { ...one, cacheBytes: one.cacheBytes * share }),
  );
  return { ...system, peer: 'mirrored', gpus: [system.gpus[0]!], tree, network: null, transports };
}

function sharedMemory(memory: HostMemory, share: number): HostMemory {
  return {
    ...memory,
    bytesPerS: memory.bytesPerS * share,
    readBytesPerS: memory.readBytesPerS * share,
    writeBytesPerS: memory.writeBytesPerS * share,
  };
}

function sameLink(a: TreeNode, b: TreeNode): boolean {
  return (
    a.downBytesPerS === b.downBytesPerS &&
    a.upBytesPerS === b.upBytesPerS &&
    a.duplexBytesPerS === b.duplexBytesPerS
  );
}

import type { System } from './system.ts';

/**
 * One of a machine's hosts, called as its file calls it: the GPUs and the tree that several hosts alike have in common, without NICs.
 * A machine of one host is its own.
 */
export function oneHost(system: System): System {
  const { network, gpus, tree } = system;
  if (network === null) return system;
  const nics = new Set([...network.nics.values()].flat().map(({ node }) => node));
  const own = (id: string) => id.slice(FIRST.length);
  return {
    ...system,
    gpus: gpus.slice(0, network.gpusPerHost).map(own),
    tree: tree
      .filter(({ id }) => id.startsWith(FIRST) && !nics.has(id))
      .map((node) => ({
        ...node,
        id: own(node.id),
        parent: node.parent === null ? null : own(node.parent),
      })),
    network: null,
  };
}

const FIRST = 'host0/';

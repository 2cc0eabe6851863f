import type { Nic } from '../system/network.ts';
import type { System } from '../system/system.ts';
import { pathToMemory } from '../system/tree.ts';
import type { NetworkFlow } from './collectivePhases.ts';
import { membersOf } from './rankGroups.ts';
import { linkUses, memoryUses, pathBetween, type Use } from './routes.ts';

/**
 * What one payload byte of a collective uses between hosts, of the bytes that one rank receives: the sender's links up to its NIC, ports
 * and switches, and the receiver's links down from its own.
 *
 * With GPUDirect RDMA a byte turns towards the NIC at the lowest node that GPU and NIC have in common. Without, it is written to host
 * memory, read by the NIC, and the same on the other side, so that it crosses the links that H2D prefetch lives on and host memory twice
 * on each. GPUs with several NICs send a part over each.
 *
 * @param gpus of all ranks.
 */
export function networkUses(system: System, flow: NetworkFlow, gpus: readonly string[], rank: number): Use[] {
  const { between } = flow.shares;
  const senders = sendersOf(system, flow, rank);
  return senders.flatMap((sender) =>
    wayBetween(system, gpus[sender]!, gpus[rank]!).map(({ resource, coefficient }) => ({
      resource,
      coefficient: (coefficient * between) / senders.length,
    })),
  );
}

/** Ranks whose NICs send to a rank; a message that is handed on within its host leaves by the NIC of the receiver's index. */
function sendersOf(system: System, { group, shares, inHost }: NetworkFlow, rank: number): number[] {
  const { gpusPerHost, railOptimized } = system.network!;
  const hostOf = (of: number) => Math.floor(of / gpusPerHost);
  const members = membersOf(rank, group);
  const beyond = members.filter((member) => hostOf(member) !== hostOf(rank));
  const isSameIndex = (member: number) => member % gpusPerHost === rank % gpusPerHost;
  if (shares.senders === 'same index') return beyond.filter(isSameIndex);
  if (shares.senders === 'all')
    return railOptimized && inHost?.path === 'nvlink' ? beyond.filter(isSameIndex) : beyond;
  const hosts = [...new Set(members.map(hostOf))];
  const before = hosts.at(hosts.indexOf(hostOf(rank)) - 1)!;
  return beyond.filter((member) => hostOf(member) === before && isSameIndex(member));
}

/** One byte from a GPU to one of another host. */
function wayBetween(system: System, sender: string, receiver: string): Use[] {
  const { nics, nodes } = system.network!;
  const ins = nics.get(receiver)!;
  return nics.get(sender)!.flatMap((out, index, { length }) => {
    const into = ins[index]!;
    const ports = pathBetween(nodes, out.port, into.port);
    const uses = [
      ...toNic(system, sender, out),
      ...ports.up.flatMap((node) => linkUses(node, 'up', 1)),
      ...ports.down.flatMap((node) => linkUses(node, 'down', 1)),
      ...fromNic(system, receiver, into),
    ];
    return uses.map(({ resource, coefficient }) => ({ resource, coefficient: coefficient / length }));
  });
}

function toNic({ tree }: System, gpu: string, { node, direct }: Nic): Use[] {
  if (direct) return along(pathBetween(tree, gpu, node));
  const { links, memory } = pathToMemory(tree, gpu);
  return [
    ...links.flatMap((link) => linkUses(link, 'up', 1)),
    ...memoryUses(memory, 1, 1),
    ...along(pathBetween(tree, memory.id, node)),
  ];
}

function fromNic({ tree }: System, gpu: string, { node, direct }: Nic): Use[] {
  if (direct) return along(pathBetween(tree, node, gpu));
  const { links, memory } = pathToMemory(tree, gpu);
  return [
    ...along(pathBetween(tree, node, memory.id)),
    ...memoryUses(memory, 1, 1),
    ...links.flatMap((link) => linkUses(link, 'down', 1)),
  ];
}

function along({ up, down }: ReturnType<typeof pathBetween>): Use[] {
  return [
    ...up.flatMap((node) => linkUses(node, 'up', 1)),
    ...down.flatMap((node) => linkUses(node, 'down', 1)),
  ];
}

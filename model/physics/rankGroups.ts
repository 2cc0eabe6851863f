import { UserError } from '../input/userError.ts';
import type { System } from '../system/system.ts';
import type { RankGroup } from '../workload/workload.ts';

/** How the ranks of a collective lie on hosts: as many on each. */
export interface Spread {
  hosts: number;
  perHost: number;
}

/**
 * How a group of ranks lies on hosts, GPUs being numbered host by host: rank r runs on GPU r, so that consecutive ranks fill a host,
 * as Slurm's block distribution has it.
 *
 * A group that does not lie in one host takes as many GPUs of each: a step is then the same on all ranks, and one of them stands for all.
 *
 * @param ranks of the whole program, of which the group is a part.
 * @throws UserError for a group that takes more GPUs of one host than of another.
 *
 * @example spreadOf(system, 16, { ranks: 2, stride: 8 }) // on hosts of 8 GPUs: { hosts: 2, perHost: 1 }
 */
export function spreadOf(system: System, ranks: number, group: RankGroup): Spread {
  const gpus = system.network?.gpusPerHost ?? system.gpus.length;
  if (system.network === null || ranks <= gpus) return { hosts: 1, perHost: group.ranks };
  const { stride } = group;
  if (stride % gpus === 0) return { hosts: group.ranks, perHost: 1 };
  const span = group.ranks * stride;
  if (gpus % span === 0) return { hosts: 1, perHost: group.ranks };
  if (gpus % stride === 0 && span % gpus === 0) return { hosts: span / gpus, perHost: gpus / stride };
  const which = stride === 1 ? `${group.ranks} ranks` : `groups of ${group.ranks} ranks, every ${stride}th`;
  throw new UserError(
    `${which} on hosts of ${gpus} GPUs, which consecutive ranks fill: they would take more of one host than of another; ` +
      `give at most ${gpus} ranks, or a multiple of ${gpus} that divides so`,
  );
}

/** Whether so many ranks lie in one host, or take all GPUs of each. */
export function fillsHosts({ network }: System, ranks: number): boolean {
  return network === null || ranks <= network.gpusPerHost || ranks % network.gpusPerHost === 0;
}

/** Ranks of the group that a rank belongs to. */
export function membersOf(rank: number, { ranks, stride }: RankGroup): number[] {
  const block = ranks * stride;
  const first = Math.floor(rank / block) * block + (rank % stride);
  return Array.from({ length: ranks }, (_, index) => first + index * stride);
}

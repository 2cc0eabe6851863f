import { UserError } from '../../model/input/userError.ts';
import { slurm } from './client.ts';

/** A node of the cluster that can take jobs. */
export interface ClusterNode {
  name: string;
  /** Slurm's word, such as idle or mixed. */
  state: string;
  /** Generic resources as the cluster tells them, such as `gpu:h100:8`; empty for none. */
  gres: string;
}

const USABLE = /^(idle|mixed|allocated|completing|planned)$/;

/**
 * The nodes of a partition (the default one, where none is named) that are not down or drained, each once.
 *
 * @throws UserError where there is none.
 */
export function usableNodes(partition?: string): ClusterNode[] {
  const chosen = partition === undefined ? [] : [`--partition=${partition}`];
  const lines = slurm('sinfo', ['-h', '-N', '-o', '%N|%T|%G|%P', ...chosen]).split('\n');
  const nodes = new Map<string, ClusterNode>();
  for (const line of lines) {
    const [name, state, gres, of] = line.split('|');
    // The default partition has a star behind its name.
    if (name === undefined || name === '' || (partition === undefined && !of!.endsWith('*'))) continue;
    const word = state!.replace(/\W+$/, '');
    if (USABLE.test(word)) nodes.set(name, { name, state: word, gres: gres === '(null)' ? '' : gres! });
  }
  if (nodes.size > 0) return [...nodes.values()];
  throw new UserError(
    `sinfo: ${partition === undefined ? 'the default partition' : `partition ${partition}`} has no node that takes jobs; see sinfo -R`,
  );
}

/** The names in a list of nodes as Slurm writes it, such as `gpu[1-3],login`. @throws UserError where it is none. */
export function expandedHosts(list: string): string[] {
  const names = slurm('scontrol', ['show', 'hostnames', list]).split('\n');
  return [...new Set(names.filter((name) => name !== ''))];
}

import { join } from 'node:path';
import { expandedHosts, usableNodes } from '../../cluster/slurm/nodes.ts';
import { UserError } from '../../model/input/userError.ts';
import { submittedJobs } from './submission.ts';

/** Where something is measured: on any node, or on one, whose results have a folder of their own. */
export interface JobPlace {
  results: string;
  node: string | null;
}

/** Which nodes measure: any of the cluster, all that a partition has, or those of a list as Slurm writes it. */
export type NodeChoice = 'any' | 'each' | { list: string };

/** Folders that are no node's. */
const TAKEN = new Set(['build', 'locks', 'programs', 'slurm', 'sources']);

/**
 * The places of a results folder.
 *
 * @throws UserError where there is no such node.
 */
export function jobPlaces(root: string, choice: NodeChoice, partition: string | undefined): JobPlace[] {
  if (choice === 'any') return [{ results: root, node: null }];
  const names =
    choice === 'each' ? usableNodes(partition).map(({ name }) => name) : expandedHosts(choice.list);
  const taken = names.find((name) => TAKEN.has(name));
  if (taken !== undefined)
    throw new UserError(
      `node ${taken}: a results folder has a folder of that name for itself; measure it in a folder of its own, without --each-node and with --sbatch=--nodelist=${taken}`,
    );
  return names.map((node) => ({ results: join(root, node), node }));
}

/** The places that an experiment was submitted for, in a results folder; none where none was. */
export function submittedPlaces(root: string): JobPlace[] {
  const tasks = submittedJobs(root)
    .filter(({ work }) => work.kind === 'experiment')
    .flatMap((job) => job.tasks);
  const places = new Map(tasks.map(({ results, node }) => [results, { results, node }]));
  return [...places.values()].sort((a, b) => (a.results < b.results ? -1 : 1));
}

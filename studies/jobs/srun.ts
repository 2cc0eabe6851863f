import { randomBytes } from 'node:crypto';
import type { Container } from '../../cluster/slurm/options.ts';
import { srunCommand } from '../../cluster/slurm/options.ts';
import type { Launch } from '../../measure/measurePrograms.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';

/** Nodes and tasks of an allocation that holds some ranks. */
export interface Shape {
  nodes: number;
  tasksPerNode: number;
}

/** @param ranksPerNode null for all of them on one node. */
export function shapeOf(ranks: number, ranksPerNode: number | null): Shape {
  const tasksPerNode = Math.min(ranks, ranksPerNode ?? ranks);
  return { nodes: Math.ceil(ranks / tasksPerNode), tasksPerNode };
}

/** Flags that every step has: the environment is handed on whatever sbatch was told, and MPI has no part in it. */
const ALWAYS = ['--export=ALL', '--mpi=none', '--unbuffered'];
/** Ranks end by themselves when one fails, and the first writes why: Slurm steps in only behind that. */
const PATIENCE = ['--kill-on-bad-exit=0', '--wait=120'];

/**
 * Starts the ranks of a program in this job's allocation, in blocks of consecutive ranks on each node.
 *
 * @param secret that the ranks know each other by; it is in their environment and nowhere else.
 */
export function rankLaunch(
  ranks: number,
  ranksPerNode: number | null,
  container: Container | null,
  secret: string,
  env: NodeJS.ProcessEnv = process.env,
): Launch {
  const { nodes, tasksPerNode } = shapeOf(ranks, ranksPerNode);
  const flags = [
    ...[`--ntasks=${ranks}`, `--nodes=${nodes}`, `--ntasks-per-node=${tasksPerNode}`, '--distribution=block'],
    ...[...ALWAYS, ...PATIENCE, ...coresOf(env)],
  ];
  // A user's own file of a secret would be a second one, which programs refuse.
  const secrets = { CHUNKFLOW_SECRET: secret, CHUNKFLOW_SECRET_FILE: '' };
  return { command: srunCommand(flags, container ?? undefined), env: secrets };
}

/** What starts build tools in the container of a job; nothing without one. */
export function buildLauncher(container: Container | null, env: NodeJS.ProcessEnv = process.env): string[] {
  if (container === null) return [];
  return srunCommand(['--ntasks=1', '--nodes=1', ...ALWAYS, ...coresOf(env)], container);
}

/** Steps do not have the cores of their job by themselves. */
function coresOf({ SLURM_CPUS_PER_TASK: cores }: NodeJS.ProcessEnv): string[] {
  return cores === undefined ? [] : [`--cpus-per-task=${cores}`];
}

export function freshSecret(): string {
  return randomBytes(32).toString('hex');
}

/** A container that sees what programs need: results with sources and binaries, and the runtime that these are built with. */
export function withOwnMounts(container: Container | undefined, root: string): Container | null {
  if (container === undefined) return null;
  const own = [root, packageRoot].map((folder) => `${folder}:${folder}`);
  return { ...container, mounts: [...container.mounts, ...own] };
}

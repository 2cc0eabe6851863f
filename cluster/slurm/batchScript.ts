import { arraySpec } from './arraySpec.ts';
import { type SlurmOptions, sbatchFlags } from './options.ts';

/** One submission: the same command for every element of an array, which finds its number in SLURM_ARRAY_TASK_ID. */
export interface ArrayJob {
  /** As the queue shows it. */
  name: string;
  elements: readonly number[];
  /** Program and arguments; the shell sees them quoted. */
  command: readonly string[];
  /** Where the command starts. */
  folder: string;
  /** A folder that is there: every element has a log of its own in it, `JOB_ELEMENT.log`. */
  logs: string;
  options: SlurmOptions;
  /** Nodes and tasks of each element, where it is more than one task. */
  shape?: { nodes: number; tasksPerNode: number } | undefined;
  /** A node that it must run on. */
  node?: string | undefined;
  /** Jobs that must have ended well before. */
  after?: readonly string[] | undefined;
  /** Variables beside those that the submitter has. */
  env?: Readonly<Record<string, string>> | undefined;
}

/** Seconds before a time limit at which a command is told, so that it can end in order. */
const WARNING_S = 30;

/**
 * The script of a submission. The command takes the place of the shell, so that Slurm's signals (time limit, preemption, `scancel`)
 * reach it; a job that lost its node is requeued, and its log goes on where it was.
 */
export function batchScript(job: ArrayJob): string {
  const { name, elements, command, folder, logs, options, shape, node, after = [], env = {} } = job;
  const most = options.atOnce === undefined ? '' : `%${options.atOnce}`;
  const flags = [
    `--job-name=${name}`,
    `--array=${arraySpec(elements)}${most}`,
    `--output=${logs.replaceAll('%', '%%')}/%A_%a.log`,
    '--open-mode=append',
    '--requeue',
    `--signal=B:TERM@${WARNING_S}`,
    `--chdir=${folder}`,
    ...(shape === undefined ? [] : [`--nodes=${shape.nodes}`, `--ntasks-per-node=${shape.tasksPerNode}`]),
    ...(node === undefined ? [] : [`--nodelist=${node}`]),
    ...(after.length === 0 ? [] : [`--dependency=afterok:${after.join(':')}`, '--kill-on-invalid-dep=yes']),
    ...sbatchFlags(options),
  ];
  const variables = Object.entries(env).map(([key, value]) => `export ${key}=${quoted(value)}`);
  return [
    '#!/bin/sh',
    ...flags.map((flag) => `#SBATCH ${quoted(flag)}`),
    ...variables,
    `exec ${command.map(quoted).join(' ')}`,
    '',
  ].join('\n');
}

/** A word of a shell's line, as it is. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

import type { Command } from 'commander';
import { addSlurmOptions, type SlurmFlags } from './slurm.ts';
import { wholeFromOne } from './values.ts';

/** The flags of measurements that Slurm runs, as commander hands them over. */
export interface JobFlags extends SlurmFlags {
  eachNode?: boolean;
  nodes?: string;
  ranksPerNode?: number;
  buildHere?: boolean;
}

/** Adds what is asked of a cluster, and where on it is measured. */
export function addJobOptions(command: Command): Command {
  return addSlurmOptions(command)
    .option('--each-node', 'every node of the partition measures all of it, into <results>/<node>')
    .option('--nodes <list>', 'as --each-node, of these nodes: gpu1,gpu[3-5]')
    .option(
      '--ranks-per-node <n>',
      "a program's ranks on one node (default: --gpus-per-node, a host's of the machine file, or all)",
      wholeFromOne,
    )
    .option('--build-here', 'compile on this machine (default: in a job of its own, once for all nodes)');
}

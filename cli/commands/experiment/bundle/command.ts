import type { Command } from 'commander';
import type { RunnableCommand } from '../../../command.ts';
import { addBundleFile, addBundleHeaders, type BundleFlags } from '../../../flags/bundle.ts';
import { addCellOptions } from '../../../flags/experiment.ts';
import { wholeFromOne } from '../../../flags/values.ts';

export interface ExperimentBundleFlags extends BundleFlags {
  only?: string[];
  kubernetes?: boolean;
  image?: string;
  claim?: string;
  nodes?: number;
  gpusPerNode?: number;
}

function addKubernetes(command: Command): Command {
  return command
    .option(
      '--kubernetes',
      'print the manifest of an indexed job that runs the bundle on a cluster; needs --image',
    )
    .option('--image <image>', 'of its containers: compiler, cmake, CUDA toolkit, NCCL')
    .option('--claim <name>', 'volume claim that holds the unpacked bundle (default: chunkflow)')
    .option('--nodes <n>', 'pods, one a node (default: 1)', wholeFromOne)
    .option(
      '--gpus-per-node <n>',
      "GPUs of each (default: the programs' ranks over the nodes)",
      wholeFromOne,
    );
}

export const command: RunnableCommand = {
  description: 'pack the programs of an experiment for a machine that has no chunkflow',
  declare: (command) =>
    addKubernetes(addBundleHeaders(addCellOptions(addBundleFile(command.argument('<file>', 'experiment'))))),
  load: () => import('./run.ts'),
};

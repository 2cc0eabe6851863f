import type { RunnableCommand } from '../../../command.ts';
import { addBundleFile, addBundleHeaders, type BundleFlags } from '../../../flags/bundle.ts';
import { addCellOptions } from '../../../flags/experiment.ts';

export interface ExperimentBundleFlags extends BundleFlags {
  only?: string[];
}

export const command: RunnableCommand = {
  description: 'pack the programs of an experiment for a machine that has no chunkflow',
  declare: (command) =>
    addBundleHeaders(addCellOptions(addBundleFile(command.argument('<file>', 'experiment')))),
  load: () => import('./run.ts'),
};

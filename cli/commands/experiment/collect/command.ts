import type { RunnableCommand } from '../../../command.ts';
import { addResults } from '../../../flags/experiment.ts';

export interface CollectFlags {
  results: string[];
  out: string;
  /** True where no list of names is kept. */
  anonymous?: string | true;
}

export const command: RunnableCommand = {
  description: 'make a dataset of raw results: a line for each cell, plan and mode',
  declare: (command) =>
    addResults(command.argument('<file>', 'experiment'))
      .requiredOption('--out <file>', 'JSON Lines')
      .option(
        '--anonymous [file]',
        'call nodes node-1, node-2, ... and leave out jobs and UUIDs of GPUs; the file keeps which is which, privately, for datasets to come (default: kept nowhere)',
      ),
  load: () => import('./run.ts'),
};

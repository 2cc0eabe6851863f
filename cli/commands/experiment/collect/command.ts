import type { RunnableCommand } from '../../../command.ts';
import { addResults } from '../../../flags/experiment.ts';

export interface CollectFlags {
  results: string[];
  out: string;
}

export const command: RunnableCommand = {
  description: 'make a dataset of raw results: a line for each cell, plan and mode',
  declare: (command) =>
    addResults(command.argument('<file>', 'experiment')).requiredOption('--out <file>', 'JSON Lines'),
  load: () => import('./run.ts'),
};

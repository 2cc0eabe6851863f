import type { RunnableCommand } from '../../../command.ts';
import { addResults } from '../../../flags/experiment.ts';

export interface TimelineFlags {
  results: string[];
  cell: string;
  plan: string;
  out: string;
}

export const command: RunnableCommand = {
  description: 'take the timeline of one measured step out of raw results, for `chunkflow plot timeline`',
  declare: (command) =>
    addResults(command.argument('<file>', 'experiment'))
      .requiredOption('--cell <id>', 'of the experiment: see `experiment list`')
      .requiredOption('--plan <plan>', 'of the cell, such as yield,transport=staged-copy')
      .requiredOption('--out <file>', 'one JSON object'),
  load: () => import('./run.ts'),
};

import type { RunnableCommand } from '../../../command.ts';
import { addBuildOptions, type BuildFlags } from '../../../flags/build.ts';
import { addCellOptions } from '../../../flags/experiment.ts';
import { addJobOptions, type JobFlags } from '../../../flags/jobs.ts';

export interface ExperimentRunFlags extends BuildFlags, JobFlags {
  results: string;
  only?: string[];
}

export const command: RunnableCommand = {
  description: 'measure what the results lack; started anew, it goes on where it was',
  declare: (command) =>
    addJobOptions(
      addBuildOptions(
        addCellOptions(
          command
            .argument('<file>', 'experiment')
            .requiredOption(
              '--results <folder>',
              'holds <cell>.jsonl for each program; records are appended',
            ),
        ),
      ),
    ),
  load: () => import('./run.ts'),
};

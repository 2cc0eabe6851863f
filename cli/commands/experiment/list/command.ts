import type { RunnableCommand } from '../../../command.ts';

export const command: RunnableCommand = {
  description: 'list the programs of an experiment',
  declare: (command) =>
    command
      .argument('<file>', 'experiment, such as experiments/h200-steps/h200-steps.yaml')
      .option('--results <folder>', 'say how many plans of each are measured there'),
  load: () => import('./run.ts'),
};

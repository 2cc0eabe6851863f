import type { RunnableCommand } from '../../command.ts';

export const command: RunnableCommand = {
  description: 'what an element of a job array runs; --slurm of other commands submits it',
  declare: (command) => command.argument('<file>', 'submission, in the slurm folder of the results'),
  load: () => import('./run.ts'),
};

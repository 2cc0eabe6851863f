import type { RunnableCommand } from '../../command.ts';

export const command: RunnableCommand = {
  description: 'show H200 measurements beside what the machine files predict for them',
  declare: (command) =>
    command.option(
      '--fit',
      'fit the pair to half of its contention readings instead, and predict the other half',
    ),
  load: () => import('./run.ts'),
};

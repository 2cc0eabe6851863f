import type { RunnableCommand } from '../../../command.ts';

export const command: RunnableCommand = {
  description: 'how much of the spread of copies from pinned arenas is place, and how much is time',
  declare: (command) => command.argument('<file...>', 'results of runs with --survey-arena'),
  load: () => import('./run.ts'),
};

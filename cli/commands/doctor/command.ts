import type { RunnableCommand } from '../../command.ts';

export const command: RunnableCommand = {
  description: 'say what this machine has for building and measuring, and how to get the rest',
  declare: (command) => command.option('--json', 'one JSON object'),
  load: () => import('./run.ts'),
};

import type { RunnableCommand } from '../../command.ts';

export const command: RunnableCommand = {
  description: 'list the machines, or the numbers of one and where each came from',
  declare: (command) =>
    command.argument('[name|file]', 'machine whose numbers to show').option('--json', 'one JSON object'),
  load: () => import('./run.ts'),
};

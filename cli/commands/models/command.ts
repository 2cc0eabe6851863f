import type { RunnableCommand } from '../../command.ts';

export const command: RunnableCommand = {
  description: 'list the diffusion transformers of the catalogue',
  declare: (command) => command.option('--json', 'one JSON object'),
  load: () => import('./run.ts'),
};

import type { RunnableCommand } from '../../command.ts';

export const command: RunnableCommand = {
  description: 'list the ways to stream weights that --plan takes',
  load: () => import('./run.ts'),
};

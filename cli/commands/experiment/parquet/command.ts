import type { RunnableCommand } from '../../../command.ts';

export const command: RunnableCommand = {
  description: 'write datasets as one flat Parquet table',
  declare: (command) => command.argument('<file...>', 'datasets').requiredOption('--out <file>', 'Parquet'),
  load: () => import('./run.ts'),
};

import type { RunnableCommand } from '../../command.ts';
import { addBundleFile, addBundleHeaders } from '../../flags/bundle.ts';

export const command: RunnableCommand = {
  description: 'pack generated programs with all that measuring them on another machine takes',
  declare: (command) =>
    addBundleHeaders(addBundleFile(command.argument('<folder...>', 'generated programs'))),
  load: () => import('./run.ts'),
};

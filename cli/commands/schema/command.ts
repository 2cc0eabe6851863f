import { Argument } from 'commander';
import { SCHEMA_NAMES } from '../../../documents/names.ts';
import type { RunnableCommand } from '../../command.ts';

export const command: RunnableCommand = {
  description: 'print the JSON Schema of what --json prints, of a profile, or of a sweep',
  declare: (command) => command.addArgument(new Argument('<name>', 'document').choices(SCHEMA_NAMES)),
  load: () => import('./run.ts'),
};

import type { RunnableCommand } from '../../command.ts';
import { addBuildOptions, type BuildFlags } from '../../flags/build.ts';

export interface BuildCommandFlags extends BuildFlags {
  buildDir?: string;
}

export const command: RunnableCommand = {
  description: 'compile generated programs',
  declare: (command) =>
    addBuildOptions(command.argument('<folder...>', 'generated programs')).option(
      '--build-dir <folder>',
      'where build folders go (default: out/build)',
    ),
  load: () => import('./run.ts'),
};

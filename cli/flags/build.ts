import { type Command, Option } from 'commander';
import type { BuildOptions } from '../../build/build.ts';
import { wholeFromOne } from './values.ts';

/** The flags of everything that builds, as commander hands them over. */
export interface BuildFlags {
  backend?: BuildOptions['backend'];
  sanitize?: 'thread' | 'address';
  architectures?: string;
  jobs?: number;
}

/** Adds the flags of everything that compiles generated programs. */
export function addBuildOptions(command: Command): Command {
  return command
    .optionsGroup('How it is built:')
    .addOption(
      new Option(
        '--backend <name>',
        'cuda or host (default: cuda where it can be built and there is a GPU)',
      ).choices(['cuda', 'host']),
    )
    .option('--architectures <list>', 'GPU generations to compile for, such as 90,100 (default: 90)')
    .addOption(
      new Option('--sanitize <what>', 'check the program while it runs').choices(['thread', 'address']),
    )
    .option('--jobs <n>', 'compilers at once', wholeFromOne);
}

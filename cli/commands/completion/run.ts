import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { UserError } from '../../../model/input/userError.ts';
import { addCommands } from '../../command.ts';
import { COMMANDS } from '../../commands.ts';
import type { Output } from '../../output.ts';
import { candidates } from './candidates.ts';
import { type SHELLS, WORDS } from './command.ts';

/**
 * Prints a shell's script, or what may stand at the end of a command line: candidates, one a line with a tab and what it means, then a
 * line that begins with a colon: `files` where the shell's own files may stand there, `nospace` where the word goes on.
 */
export async function run(
  shell: (typeof SHELLS)[number] | typeof WORDS,
  words: readonly string[],
  _flags: object,
  output: Output,
): Promise<void> {
  if (shell !== WORDS) {
    if (words.length > 0)
      throw new UserError(
        `completion ${shell}: prints a script, and takes no more words; leave out ${words[0]}`,
      );
    output.result(
      readFileSync(join(packageRoot, 'cli', 'commands', 'completion', `chunkflow.${shell}`), 'utf8'),
    );
    return;
  }
  const program = new Command('chunkflow');
  await addCommands(program, COMMANDS, { args: words, output, onExitCode: () => {} });
  const { found, files } = candidates(program, words.length === 0 ? [''] : words);
  const isOpen = found.length > 0 && found.every(({ value }) => /[=,]$/.test(value));
  const lines = found.map(({ value, means }) => `${value}\t${means.replace(/\s+/g, ' ')}\n`);
  output.result(
    `${lines.join('')}:${[...(files ? ['files'] : []), ...(isOpen ? ['nospace'] : [])].join(' ')}\n`,
  );
}

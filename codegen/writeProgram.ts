import { join } from 'node:path';
import type { Generated } from './generate.ts';
import { replaceFolder } from './replaceFolder.ts';

/**
 * Writes a generated program as a folder of its own under `parent`, and returns it.
 *
 * @throws UserError where it cannot be written, or where a folder of that name holds something else.
 */
export function writeProgram(program: Generated, parent: string): string {
  const folder = join(parent, program.id);
  const files = program.files.map(({ name, text }) => [name, text] as const);
  replaceFolder(folder, files, 'manifest.json', '--id or --out');
  return folder;
}

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { shown, UserError } from '../model/input/userError.ts';

/**
 * Writes a file beside its place and puts it there when it is whole.
 *
 * @param flag that named it.
 * @throws UserError where it cannot be written.
 */
export function writeWholeFile(file: string, content: string | Uint8Array, flag = '--out'): void {
  const fresh = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(fresh, content);
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UserError(`${flag} ${shown(file)}: cannot be written (${code}); choose a folder that exists`);
  }
}

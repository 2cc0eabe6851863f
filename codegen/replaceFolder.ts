import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../model/input/userError.ts';

/**
 * Writes files as a folder that is replaced whole: it is written beside its place first, so that a full disk leaves what was there.
 *
 * @param files text by path within the folder.
 * @param mark file that every folder of this kind has: one that holds other things and not this must not vanish because its
 *   name was given.
 * @param elsewhere how a user names another folder.
 * @throws UserError where it cannot be written, or where a folder of that name holds something else.
 */
export function replaceFolder(
  folder: string,
  files: Iterable<readonly [string, string]>,
  mark: string,
  elsewhere: string,
): void {
  const fresh = `${folder}.new`;
  try {
    refuseForeign(folder, mark, elsewhere);
    rmSync(fresh, { recursive: true, force: true });
    for (const [name, text] of files) {
      mkdirSync(dirname(join(fresh, name)), { recursive: true });
      writeFileSync(join(fresh, name), text);
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${folder}: ${(error as Error).message}; give a folder that can be written with --out`,
    );
  }
}

function refuseForeign(folder: string, mark: string, elsewhere: string): void {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return;
  }
  if (names.length === 0 || names.includes(mark)) return;
  throw new UserError(
    `${folder}: holds something that was not generated; move it, or give another ${elsewhere}`,
  );
}

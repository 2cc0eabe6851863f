import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../model/input/userError.ts';
import type { Generated } from './generate.ts';

/**
 * Writes a generated program as a folder of its own under `parent`, and returns it. The folder is replaced whole: it is
 * written beside its place first, so that a full disk leaves what was there.
 *
 * @throws UserError where it cannot be written, or where a folder of that name holds something else.
 */
export function writeProgram(program: Generated, parent: string): string {
  const folder = join(parent, program.id);
  const fresh = `${folder}.new`;
  try {
    refuseForeign(folder);
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true });
    for (const { name, text } of program.files) writeFileSync(join(fresh, name), text);
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${folder}: ${(error as Error).message}; give a folder that can be written with --out`,
    );
  }
  return folder;
}

/** A folder that holds other files than a generated program must not vanish because its name was given. */
function refuseForeign(folder: string): void {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return;
  }
  if (names.length === 0 || names.includes('manifest.json')) return;
  throw new UserError(
    `${folder}: holds something that was not generated; move it, or give another --id or --out`,
  );
}

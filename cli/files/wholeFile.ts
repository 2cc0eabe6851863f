import { closeSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { shown, UserError } from '../../model/input/userError.ts';

/**
 * Writes a file beside its place and puts it there when it is whole.
 *
 * @param content all of it, or parts one after another, which may be longer together than one text can be.
 * @param flag that named it.
 * @throws UserError where it cannot be written.
 */
export function writeWholeFile(
  file: string,
  content: string | Uint8Array | Iterable<string>,
  flag = '--out',
): void {
  const fresh = `${file}.${process.pid}.tmp`;
  try {
    if (typeof content === 'string' || content instanceof Uint8Array) writeFileSync(fresh, content);
    else writeParts(fresh, content);
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UserError(`${flag} ${shown(file)}: cannot be written (${code}); choose a folder that exists`);
  }
}

/** Parts are written some thousands at a time. */
const PARTS_PER_WRITE = 4096;

function writeParts(file: string, parts: Iterable<string>): void {
  const descriptor = openSync(file, 'w');
  try {
    let pending: string[] = [];
    for (const part of parts) {
      if (pending.push(part) < PARTS_PER_WRITE) continue;
      writeFileSync(descriptor, pending.join(''));
      pending = [];
    }
    writeFileSync(descriptor, pending.join(''));
  } finally {
    closeSync(descriptor);
  }
}

import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Liveness, type LockOwner, livenessOf, thisOwner } from './lockOwner.ts';

/** A lock that was taken, and what gives it back; or who holds it, null for somebody who has taken it at this moment. */
export type LockAttempt =
  | { taken: true; release: () => void }
  | { taken: false; owner: LockOwner | null; liveness: Exclude<Liveness, 'dead'> };

let attempts = 0;

/**
 * Takes a lock, a file that names its owner, on a file system that several hosts may share. A lock whose owner is dead is taken over.
 *
 * @throws NodeJS.ErrnoException where the file's folder cannot be made or written.
 */
export function takeLock(
  lock: string,
  judge: (owner: LockOwner, own: LockOwner) => Liveness = livenessOf,
): LockAttempt {
  const own = thisOwner();
  attempts += 1;
  // Of one process on one host, at one time.
  const fresh = `${lock}.${own.host}.${own.pid}.${attempts}`;
  mkdirSync(dirname(lock), { recursive: true });
  const text = JSON.stringify({ ...own, attempt: attempts });
  try {
    // Written beside it and linked: nobody sees half a lock, and only one can link.
    writeFileSync(fresh, text);
    const before = textOf(lock);
    if (before !== null) {
      const owner = ownerOf(before);
      const liveness = owner === null ? 'dead' : judge(owner, own);
      if (liveness !== 'dead') return { taken: false, owner, liveness };
      removeIf(lock, before, fresh);
    }
    if (!linked(fresh, lock)) return { taken: false, owner: null, liveness: 'alive' };
  } finally {
    rmSync(fresh, { force: true });
  }
  return { taken: true, release: () => removeIf(lock, text, fresh) };
}

/** Links a file under a second name, once among all who try. Over a network the answer may be lost and the link made. */
export function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return isSameFile(from, to);
  }
}

function isSameFile(a: string, b: string): boolean {
  const [first, second] = [statSync(a, { bigint: true }), statSync(b, { bigint: true })];
  return first.ino === second.ino && first.dev === second.dev;
}

/** Removes a lock where it still says what it said: another may have taken it over. */
function removeIf(lock: string, text: string, own: string): void {
  if (textOf(lock) !== text) return;
  const aside = `${own}.aside`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  // Somebody else has taken it over in between: put theirs back.
  if (readFileSync(aside, 'utf8') !== text) linked(aside, lock);
  rmSync(aside, { force: true });
}

function textOf(lock: string): string | null {
  try {
    return readFileSync(lock, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Null for what a host that went down has left of a lock. */
function ownerOf(text: string): LockOwner | null {
  try {
    return JSON.parse(text) as LockOwner;
  } catch {
    return null;
  }
}

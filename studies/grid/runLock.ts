import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LockAttempt, takeLock } from '../../cluster/lockFile.ts';
import { ownerText } from '../../cluster/lockOwner.ts';
import { shown, UserError } from '../../model/input/userError.ts';

/**
 * Takes a results folder for this process, so that two starts of an experiment do not mix, and returns what gives it back.
 * A lock whose process is dead is taken over.
 *
 * @throws UserError where another process holds it, or where it cannot be written.
 */
export function lockResults(folder: string): () => void {
  const lock = join(folder, 'lock.json');
  const attempt = attempted(lock, folder);
  if (attempt.taken) return attempt.release;
  throw new UserError(
    `${shown(lock)}: ${holderOf(attempt)} is running an experiment here; wait for it, or remove the file if it is not`,
  );
}

/** Where the lock of one program's results in a folder lies; elements of job arrays share the folder and not the program. */
function programLock(folder: string, id: string): string {
  return join(folder, 'locks', `${id}.json`);
}

/**
 * Takes the results of one program in a folder, and returns what gives them back.
 *
 * @throws UserError where another holds them.
 */
export function lockProgram(folder: string, id: string): () => void {
  const lock = programLock(folder, id);
  const attempt = attempted(lock, folder);
  if (attempt.taken) return attempt.release;
  throw new UserError(
    `${holderOf(attempt)} is measuring it; wait for it, or remove ${shown(lock)} if it is not`,
  );
}

/** How often who waits for a lock looks whether it is free, ms. */
const POLL_MS = 2000;

/** As `lockProgram`, and waits for whoever holds them, with a note that says for whom. */
export async function lockedProgram(
  folder: string,
  id: string,
  onNote: (text: string) => void,
): Promise<() => void> {
  for (let said = ''; ; await sleep(POLL_MS)) {
    const lock = programLock(folder, id);
    const attempt = attempted(lock, folder);
    if (attempt.taken) return attempt.release;
    const unknown =
      attempt.liveness === 'unknown' ? `, if it still runs; remove ${shown(lock)} if it does not` : '';
    const note = `${id}: waiting for ${holderOf(attempt)}, which is measuring it${unknown}`;
    if (note !== said) onNote(note);
    said = note;
  }
}

function attempted(lock: string, folder: string): LockAttempt {
  try {
    return takeLock(lock);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UserError(`${shown(folder)}: cannot be written (${code}); give another folder with --results`);
  }
}

function holderOf({ owner }: Extract<LockAttempt, { taken: false }>): string {
  return owner === null ? 'another process' : ownerText(owner);
}

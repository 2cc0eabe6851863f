import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { linked } from '../../cluster/lockFile.ts';
import { UserError } from '../../model/input/userError.ts';

/** Where `run` on this machine appends the records of a program; elements of job arrays each publish a file of their own beside it. */
export function resultsFileOf(results: string, id: string): string {
  return join(results, `${id}.jsonl`);
}

/** A file that an element of a job array publishes: the number says how many were there before. */
export function publishedFileOf(results: string, id: string, number: number): string {
  return join(results, `${id}.${number}.jsonl`);
}

/** The results of one program, as they are found at one moment. */
export interface CellFiles {
  files: string[];
  /** That the next file to be published has. */
  next: number;
}

/** All files that hold records of a program, in the order in which they were made. */
export function cellFiles(results: string, id: string): CellFiles {
  const appended = resultsFileOf(results, id);
  const published: string[] = [];
  // Counted, never listed: what is published next must be the one behind those that were read.
  for (;;) {
    const file = publishedFileOf(results, id, published.length + 1);
    if (!existsSync(file)) break;
    published.push(file);
  }
  return { files: [...(existsSync(appended) ? [appended] : []), ...published], next: published.length + 1 };
}

/** How long a file that somebody has published may stay unseen here: clients of network file systems keep folders for a minute. */
const UNSEEN_MS = 120_000;
const POLL_MS = 500;

/**
 * Publishes a whole run's records, so that each result stands once: whoever has looked at the same results and measures the same
 * uses the same number, and one of them gets it. Right whether or not the others are alive, reachable or known.
 *
 * @returns whether they were published; else another's of that number can be seen.
 * @throws UserError where the file system cannot link files.
 */
export async function publish(
  attempt: string,
  results: string,
  id: string,
  number: number,
): Promise<boolean> {
  const file = publishedFileOf(results, id, number);
  try {
    if (linked(attempt, file)) {
      rmSync(attempt, { force: true });
      return true;
    }
  } catch (error) {
    throw new UserError(
      `${file}: could not be linked (${(error as NodeJS.ErrnoException).code}); what was measured is in ${attempt}`,
    );
  }
  for (const end = Date.now() + UNSEEN_MS; !isThere(file); await sleep(POLL_MS)) {
    readdirSync(results);
    if (Date.now() > end)
      throw new UserError(
        `${file}: was published by another job and cannot be seen here; look at the file system`,
      );
  }
  return false;
}

function isThere(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

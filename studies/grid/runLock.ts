import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { shown, UserError } from '../../model/input/userError.ts';

/** Who holds a results folder, as the lock file tells it. */
interface Owner {
  host: string;
  pid: number;
  /** When the process started, in ticks since the host did; null where the system does not say. */
  startTicks: string | null;
}

/**
 * Takes a results folder for this process, so that two starts of an experiment do not mix, and returns what gives it back.
 * A lock whose process is dead is taken over.
 *
 * @throws UserError where another process holds it, or where it cannot be written.
 */
export function lockResults(folder: string): () => void {
  const lock = join(folder, 'lock.json');
  const own: Owner = { host: hostname(), pid: process.pid, startTicks: startTicksOf(process.pid) };
  const fresh = `${lock}.${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true });
    // Written beside it and linked: nobody sees half a lock, and only one can link.
    writeFileSync(fresh, JSON.stringify(own));
    removeStale(lock, fresh);
    linkSync(fresh, lock);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code === 'EEXIST') throw inUse(lock, 'another process');
    throw new UserError(`${shown(folder)}: cannot be written (${code}); give another folder with --results`);
  } finally {
    rmSync(fresh, { force: true });
  }
  return () => rmSync(lock, { force: true });
}

function removeStale(lock: string, own: string): void {
  const text = textOf(lock);
  if (text === null) return;
  const owner = ownerOf(text);
  if (owner !== null && isAlive(owner)) throw inUse(lock, `process ${owner.pid} on ${owner.host}`);
  const stale = `${own}.stale`;
  renameSync(lock, stale);
  const taken = readFileSync(stale, 'utf8');
  // Somebody else has taken it over in between: put theirs back.
  if (taken !== text) linkSync(stale, lock);
  rmSync(stale);
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
function ownerOf(text: string): Owner | null {
  try {
    return JSON.parse(text) as Owner;
  } catch {
    return null;
  }
}

function inUse(lock: string, who: string): UserError {
  return new UserError(
    `${shown(lock)}: ${who} is running an experiment here; wait for it, or remove the file if it is not`,
  );
}

function isAlive({ host, pid, startTicks }: Owner): boolean {
  // Processes of another host cannot be seen from here.
  if (host !== hostname()) return true;
  if (startTicks !== null) return startTicksOf(pid) === startTicks;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Tells a process from a later one with the same number; null for one that is dead, and without /proc. */
function startTicksOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; the state is the first field behind it, the start the twentieth.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : fields[19]!;
  } catch {
    return null;
  }
}

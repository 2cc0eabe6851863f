import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { UserError } from '../model/input/userError.ts';
import { type Allocation, ownAllocation } from './slurm/allocation.ts';
import { isAlive, type QueuedElement, queuedElements } from './slurm/queue.ts';

/** Who holds a lock, as its file tells it. */
export interface LockOwner {
  host: string;
  pid: number;
  /** When the process started, in ticks since the host did; null where the system does not say. */
  startTicks: string | null;
  /** User's number. */
  user?: number | undefined;
  /** Where Slurm started the process. */
  allocation?: Allocation | undefined;
}

/** Whether an owner still runs; unknown where neither the processes of its host nor its scheduler can be asked. */
export type Liveness = 'alive' | 'dead' | 'unknown';

export function thisOwner(): LockOwner {
  return {
    ...{ host: hostname(), pid: process.pid, startTicks: startTicksOf(process.pid) },
    user: process.getuid?.(),
    allocation: ownAllocation() ?? undefined,
  };
}

/**
 * Whether the owner of a lock still runs: by its process where that is of this host, else by its scheduler. Slurm starts an element
 * again only when it has given the earlier start up: that one is dead here even where its node was cut off and its process lives on.
 */
export function livenessOf(
  owner: LockOwner,
  own: LockOwner = thisOwner(),
  queue: (jobs: readonly string[]) => QueuedElement[] = queuedElements,
): Liveness {
  if (isSameHost(owner, own)) return processRuns(owner) ? 'alive' : 'dead';
  const { allocation, user } = owner;
  if (allocation === undefined) return 'unknown';
  const { job, element, restart } = allocation;
  if (own.allocation?.job === job && own.allocation.element === element)
    return own.allocation.restart > restart ? 'dead' : 'unknown';
  // The queue shows the user's own jobs.
  if (user !== own.user) return 'unknown';
  try {
    const found = queue([job]).find((each) => each.element === element);
    return found !== undefined && isAlive(found) && !WAITS.has(found.state) ? 'alive' : 'dead';
  } catch (error) {
    if (error instanceof UserError) return 'unknown';
    throw error;
  }
}

/** States of an element that waits to be started, again: whatever ran of it has ended. */
const WAITS = new Set(['PENDING', 'REQUEUED', 'REQUEUE_FED', 'REQUEUE_HOLD']);

/** Nodes by Slurm's names: several may stand on one host, and a login node has none. */
function isSameHost(a: LockOwner, b: LockOwner): boolean {
  return a.host === b.host && a.allocation?.node === b.allocation?.node;
}

function processRuns({ pid, startTicks }: LockOwner): boolean {
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

/** An owner in words. */
export function ownerText({ host, pid, allocation }: LockOwner): string {
  if (allocation === undefined) return `process ${pid} on ${host}`;
  const { job, element, node } = allocation;
  return `element ${element} of job ${job} on ${node}`;
}

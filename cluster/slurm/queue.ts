import { slurm } from './client.ts';

/** One element of an array as the scheduler sees it; elements that have ended are there only for a while. */
export interface QueuedElement {
  job: string;
  element: number;
  /** Slurm's word, such as PENDING, RUNNING, COMPLETED, NODE_FAIL. */
  state: string;
  /** Why it waits, such as Resources or Priority; `None` where it does not. */
  reason: string;
  /** Where it runs; empty while it waits. */
  node: string;
  /** When it began, or is expected to; null where Slurm does not say. */
  startsAt: string | null;
}

/** States of elements that will still do something by themselves. */
const ALIVE = new Set([
  'PENDING',
  'RUNNING',
  'COMPLETING',
  'CONFIGURING',
  'REQUEUED',
  'REQUEUE_FED',
  'RESIZING',
  'SIGNALING',
  'STAGE_OUT',
  'SUSPENDED',
  'STOPPED',
]);

/** Whether an element will still do something. */
export function isAlive({ state }: QueuedElement): boolean {
  return ALIVE.has(state);
}

/** A character that no field holds. */
const SEPARATOR = '|';
const FIELDS = ['%F', '%K', '%T', '%r', '%N', '%S'].join(SEPARATOR);

/**
 * What the scheduler says of jobs, those first that it knows. It forgets jobs a few minutes after they have ended: what is done is
 * told by results, never by the queue.
 *
 * @throws SchedulerAway where the controller does not answer.
 */
export function queuedElements(jobs: readonly string[]): QueuedElement[] {
  if (jobs.length === 0) return [];
  // Without a list of jobs: squeue fails for a list whose jobs it has all forgotten.
  const lines = slurm('squeue', ['--me', '-r', '-h', '-t', 'all', '-o', FIELDS]).split('\n');
  return lines.flatMap((line) => {
    const [job, element, state, reason, node, start] = line.split(SEPARATOR);
    if (job === undefined || !jobs.includes(job)) return [];
    const startsAt = start === undefined || start === 'N/A' ? null : start;
    return [{ job, element: Number(element), state: state!, reason: reason!, node: node!, startsAt }];
  });
}

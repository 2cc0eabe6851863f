import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { isAlive, type QueuedElement, queuedElements } from '../../cluster/slurm/queue.ts';
import { builtIn } from './builds.ts';
import { type Item, logOf, type SubmittedJob, submittedJobs } from './submission.ts';

/** What a results folder is to hold of an item. */
export interface Wanted extends Item {
  results: string;
  node: string | null;
  isDone: () => boolean;
}

/** How an item stands: where it is done, whatever the scheduler says; where it is not, what its last element does or did. */
export type ItemState =
  | { is: 'done' }
  | { is: 'queued'; element: QueuedElement }
  /** `endedWell`: Slurm says that its element ended well, so that results may only be unseen here. */
  | { is: 'failed'; reason: string; endedWell: boolean }
  /** Was not submitted yet. */
  | { is: 'open' };

/** An item of a submission with its element, as far as the scheduler still knows that. */
interface SubmittedItem extends Item {
  results: string;
  job: SubmittedJob;
  number: number;
  element: QueuedElement | undefined;
}

/**
 * How each item stands that a results folder is to hold. An item whose program has changed since it was submitted is open.
 *
 * @throws SchedulerAway where something was submitted and the controller does not answer.
 */
export function itemStates(
  root: string,
  wanted: readonly Wanted[],
  queue: (jobs: readonly string[]) => QueuedElement[] = queuedElements,
): ItemState[] {
  const jobs = submittedJobs(root);
  const measuring = jobs.filter(({ work }) => work.kind !== 'build');
  const open = wanted.map((item) => ({ item, isDone: item.isDone() }));
  if (measuring.length === 0 || open.every(({ isDone }) => isDone))
    return open.map(({ isDone }) => ({ is: isDone ? 'done' : 'open' }));
  const submitted = submittedItems(measuring, queue(measuring.map(({ job }) => job)));
  return open.map(({ item, isDone }): ItemState => {
    if (isDone) return { is: 'done' };
    const own = submitted.filter(
      ({ results, id, fingerprint }) =>
        results === item.results && id === item.id && fingerprint === item.fingerprint,
    );
    const alive = own.find(({ element }) => element !== undefined && canRun(element));
    if (alive !== undefined) return { is: 'queued', element: alive.element! };
    const last = own.at(-1);
    if (last === undefined) return { is: 'open' };
    return { is: 'failed', reason: reasonOf(root, last), endedWell: last.element?.state === 'COMPLETED' };
  });
}

/** Slurm may keep a job for ever whose build has failed. */
function canRun(element: QueuedElement): boolean {
  return isAlive(element) && element.reason !== 'DependencyNeverSatisfied';
}

function submittedItems(jobs: readonly SubmittedJob[], elements: readonly QueuedElement[]): SubmittedItem[] {
  const known = new Map(elements.map((element) => [`${element.job} ${element.element}`, element]));
  return jobs.flatMap((job) =>
    job.tasks.flatMap(({ results, items }, number) =>
      items.map((item) => ({ ...item, results, job, number, element: known.get(`${job.job} ${number}`) })),
    ),
  );
}

/** Why an item that was submitted is not done: what its element said last of it, or else Slurm's word. */
function reasonOf(root: string, { id, job, number, element }: SubmittedItem): string {
  const state = element === undefined ? 'Slurm knows it no more' : element.state;
  const of = `element ${number} of job ${job.job}, ${state}`;
  const said = lastWords(logOf(root, job.job, number), id);
  if (said !== null) return `${said} (${of})`;
  if (job.after !== null && builtIn(job.build) === null) {
    const built = lastWords(logOf(root, job.after, 0), null);
    if (built !== null) return `${built} (build in job ${job.after}; ${of})`;
  }
  return `has printed nothing (${of})`;
}

/** Of a log; what an element says last is at its end. */
const TAIL_BYTES = 65_536;

/** The last error of a log that names an item, or the last error, or the last line; null where there is none. */
export function lastWords(log: string, id: string | null): string | null {
  const lines = tailOf(log)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const errors = lines.filter((line) => line.startsWith('error: ')).map((line) => line.slice(7));
  const own = errors.findLast((line) => line.startsWith(`${id}: `));
  return own?.slice(`${id}: `.length) ?? errors.at(-1) ?? lines.at(-1) ?? null;
}

function tailOf(file: string): string {
  if (!existsSync(file)) return '';
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(descriptor, tail, 0, tail.length, size - tail.length);
    return tail.toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}

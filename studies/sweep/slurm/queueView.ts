import { z } from 'zod';
import { isAlive, type QueuedElement, queuedElements } from '../../../cluster/slurm/queue.ts';
import { UserError } from '../../../model/input/userError.ts';
import type { SubmittedArray } from './arrays.ts';

const count = z.int().min(0);

/** What the scheduler says of a sweep's elements. */
export const queueViewFormat = z.strictObject({
  jobs: z.array(z.string()).describe('numbers of the arrays'),
  pending: count,
  running: count,
  reasons: z.record(z.string(), count).describe('why elements wait'),
  nodes: z.array(z.string()).describe('where elements run'),
  failed: z
    .array(
      z.strictObject({
        job: z.string(),
        element: count,
        state: z.string(),
        tasksLeft: count.describe('of it that are not done: the next --slurm submits them'),
      }),
    )
    .describe('elements that have ended otherwise than well, with something left'),
  away: z.string().nullable().describe('why the controller could not be asked'),
});

export type QueueView = z.output<typeof queueViewFormat>;

/** Elements that the scheduler knows, with the tasks of each. */
export interface ElementTasks {
  queued: QueuedElement;
  tasks: readonly number[];
}

/** @throws SchedulerAway where the controller does not answer. */
export function elementsInQueue(arrays: readonly SubmittedArray[]): ElementTasks[] {
  const byJob = new Map(arrays.flatMap((array) => (array.job === null ? [] : [[array.job, array] as const])));
  return queuedElements([...byJob.keys()]).map((queued) => ({
    queued,
    tasks: byJob.get(queued.job)!.elements[queued.element] ?? [],
  }));
}

/** Tasks of elements that wait or run: nobody need submit them. */
export function tasksInQueue(elements: readonly ElementTasks[]): Set<number> {
  return new Set(elements.filter(({ queued }) => isAlive(queued)).flatMap(({ tasks }) => tasks));
}

/** @returns null where nothing was ever submitted. */
export function queueView(arrays: readonly SubmittedArray[], done: ReadonlySet<number>): QueueView | null {
  if (arrays.length === 0) return null;
  const jobs = arrays.flatMap(({ job }) => job ?? []);
  try {
    return viewOf(jobs, elementsInQueue(arrays), done);
  } catch (error) {
    // Away, or not to be reached from this machine.
    if (!(error instanceof UserError)) throw error;
    const nothing = { pending: 0, running: 0, reasons: {}, nodes: [], failed: [] };
    return { jobs, ...nothing, away: error.message };
  }
}

function viewOf(
  jobs: readonly string[],
  elements: readonly ElementTasks[],
  done: ReadonlySet<number>,
): QueueView {
  const alive = elements.filter(({ queued }) => isAlive(queued));
  const pending = alive.filter(({ queued }) => queued.node === '');
  const reasons: Record<string, number> = {};
  for (const { queued } of pending) reasons[queued.reason] = (reasons[queued.reason] ?? 0) + 1;
  const queued = tasksInQueue(elements);
  const failed = elements.flatMap(({ queued: { job, element, state }, tasks }) => {
    const tasksLeft = tasks.filter((task) => !done.has(task) && !queued.has(task)).length;
    return tasksLeft === 0 || state === 'COMPLETED' || alive.some((one) => one.tasks === tasks)
      ? []
      : [{ job, element, state, tasksLeft }];
  });
  return {
    ...{ jobs: [...jobs], pending: pending.length, running: alive.length - pending.length, reasons },
    nodes: [...new Set(alive.flatMap(({ queued: { node } }) => (node === '' ? [] : [node])))].sort(),
    ...{ failed, away: null },
  };
}

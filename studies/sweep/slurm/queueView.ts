import { z } from 'zod';
import { isAlive, type QueuedElement, queuedElements } from '../../../cluster/slurm/queue.ts';
import { grouped } from '../../../model/input/grouped.ts';
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
    .describe('elements that have ended with something left; FORGOTTEN: the scheduler does not say how'),
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
    return viewOf(jobs, arrays, elementsInQueue(arrays), done);
  } catch (error) {
    // Away, or not to be reached from this machine.
    if (!(error instanceof UserError)) throw error;
    const nothing = { pending: 0, running: 0, reasons: {}, nodes: [], failed: [] };
    return { jobs, ...nothing, away: error.message };
  }
}

function viewOf(
  jobs: readonly string[],
  arrays: readonly SubmittedArray[],
  elements: readonly ElementTasks[],
  done: ReadonlySet<number>,
): QueueView {
  const alive = elements.filter(({ queued }) => isAlive(queued));
  const pending = alive.filter(({ queued }) => queued.node === '');
  const reasons: Record<string, number> = {};
  for (const { queued } of pending) reasons[queued.reason] = (reasons[queued.reason] ?? 0) + 1;
  return {
    ...{ jobs: [...jobs], pending: pending.length, running: alive.length - pending.length, reasons },
    nodes: [...new Set(alive.flatMap(({ queued: { node } }) => (node === '' ? [] : [node])))].sort(),
    ...{ failed: endedElements(arrays, elements, done), away: null },
  };
}

/** State of an element that the scheduler does not know any more. */
const FORGOTTEN = 'FORGOTTEN';

/** Elements that tasks which are neither done nor in the queue were submitted in last. */
function endedElements(
  arrays: readonly SubmittedArray[],
  elements: readonly ElementTasks[],
  done: ReadonlySet<number>,
): QueueView['failed'] {
  const states = new Map(elements.map(({ queued: { job, element, state } }) => [`${job}_${element}`, state]));
  const queued = tasksInQueue(elements);
  const last = new Map<number, { job: string; element: number }>();
  for (const { job, elements: all } of arrays)
    for (const [element, tasks] of all.entries())
      for (const task of tasks) if (job !== null) last.set(task, { job, element });
  const left = [...last].filter(([task]) => !done.has(task) && !queued.has(task)).map(([, where]) => where);
  return [...grouped(left, ({ job, element }) => `${job}_${element}`)].map(([name, tasks]) => ({
    ...tasks[0]!,
    ...{ state: states.get(name) ?? FORGOTTEN, tasksLeft: tasks.length },
  }));
}

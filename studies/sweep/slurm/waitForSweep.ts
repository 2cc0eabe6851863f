import { setTimeout as sleep } from 'node:timers/promises';
import { SchedulerAway } from '../../../cluster/slurm/client.ts';
import type { ResultsFolder } from '../resultsFolder.ts';
import { submittedArrays } from './arrays.ts';
import { elementsInQueue, tasksInQueue } from './queueView.ts';

const FIRST_MS = 1000;
const MOST_MS = 15_000;
/** Looks at a queue without the sweep before it counts as left: a shared file system shows a part a little late. */
const LAST_LOOKS = 3;

/**
 * Waits until tasks are done, or until none of the rest is in the queue any more. A controller that is away is waited for.
 *
 * @param onDone called with newly done tasks.
 * @returns tasks that are not done.
 */
export async function waitForSweep(
  folder: ResultsFolder,
  tasks: readonly number[],
  onDone: (tasks: readonly number[]) => void,
): Promise<number[]> {
  let left = [...tasks];
  let pauseMs = FIRST_MS;
  for (let looks = 0; looks < LAST_LOOKS; ) {
    const done = new Set(folder.done());
    onDone(left.filter((task) => done.has(task)));
    left = left.filter((task) => !done.has(task));
    if (left.length === 0) return left;
    looks = isInQueue(folder, left) ? 0 : looks + 1;
    if (looks === LAST_LOOKS) break;
    await sleep(looks > 0 ? FIRST_MS : pauseMs);
    pauseMs = Math.min(MOST_MS, pauseMs * 1.2);
  }
  return left;
}

function isInQueue({ path }: ResultsFolder, tasks: readonly number[]): boolean {
  try {
    const queued = tasksInQueue(elementsInQueue(submittedArrays(path)));
    return tasks.some((task) => queued.has(task));
  } catch (error) {
    if (error instanceof SchedulerAway) return true;
    throw error;
  }
}

import { resolve } from 'node:path';
import { type SlurmOptions, srunCommand } from '../../../cluster/slurm/options.ts';
import { largestElement, submitArray } from '../../../cluster/slurm/submit.ts';
import { lockResults } from '../../grid/runLock.ts';
import { partFacts } from '../partFacts.ts';
import type { ResultsFolder } from '../resultsFolder.ts';
import type { Sweep } from '../sweep.ts';
import type { Ask } from '../sweepFormat.ts';
import { type Task, Tasks } from '../tasks.ts';
import { keepJob, logFolder, slurmFolder, submittedArrays, writeArray } from './arrays.ts';
import { elementsInQueue, tasksInQueue } from './queueView.ts';

export interface SweepSubmission {
  options: SlurmOptions;
  /** Tasks of an element; so many as take minutes unless given. */
  tasksPerElement?: number;
  /** Only these tasks. */
  tasks?: readonly number[];
  /** What starts chunkflow here. */
  program: readonly string[];
}

/** What was submitted, and what needed not be. */
export interface Submitted {
  jobs: readonly string[];
  elements: number;
  tasks: number;
  done: number;
  queued: number;
}

/** How long an element is to last: schedulers take a second to start one. */
const ELEMENT_S = 300;
/** CPU seconds of a point where no part says it yet. */
const GUESSED_S: Readonly<Record<Ask, number>> = { predict: 0.006, simulate: 0.2, plan: 8 };
/** Parts whose cost is looked up. */
const MOST_LOOKED_UP = 20;

/**
 * Submits what is neither done nor in the queue as arrays, each element with several tasks.
 *
 * @throws UserError with Slurm's own words where it refuses, SchedulerAway where the controller does not answer: nothing is submitted
 * while nobody knows what is in the queue.
 */
export function submitSweep(sweep: Sweep, folder: ResultsFolder, submission: SweepSubmission): Submitted {
  const unlock = lockResults(slurmFolder(folder.path));
  try {
    return submitMissing(sweep, folder, submission);
  } finally {
    unlock();
  }
}

function submitMissing(sweep: Sweep, folder: ResultsFolder, submission: SweepSubmission): Submitted {
  const tasks = new Tasks(sweep.grids);
  const asked = submission.tasks ?? Array.from({ length: tasks.count }, (_, task) => task);
  const queued = tasksInQueue(elementsInQueue(submittedArrays(folder.path)));
  // Behind the queue: what has ended in between is done by now.
  const done = new Set(folder.done().filter((task) => folder.keepWhole(task)));
  const missing = asked.filter((task) => !done.has(task) && !queued.has(task));
  const cores = submission.options.cpusPerTask ?? 1;
  const costS = taskCost(sweep, folder, tasks, [...done]);
  const elements = elementsOf(
    missing.map((task) => tasks.at(task)),
    submission.tasksPerElement === undefined
      ? { seconds: (task) => costS(task) / cores }
      : { tasks: submission.tasksPerElement },
  );
  const most = largestElement() + 1;
  const jobs: string[] = [];
  for (let first = 0; first < elements.length; first += most)
    jobs.push(submitElements(sweep, folder, elements.slice(first, first + most), submission, cores));
  const count = (known: ReadonlySet<number>) => asked.filter((task) => known.has(task)).length;
  return {
    ...{ jobs, elements: elements.length, tasks: missing.length, done: count(done) },
    queued: asked.filter((task) => queued.has(task) && !done.has(task)).length,
  };
}

function submitElements(
  sweep: Sweep,
  { path }: ResultsFolder,
  elements: readonly (readonly number[])[],
  { options, program }: SweepSubmission,
  cores: number,
): string {
  const array = writeArray(path, elements);
  const inContainer = options.container === undefined ? [] : srunCommand([], options.container);
  const sweepArgs = ['sweep', resolve(sweep.file), '--results', resolve(path), '--jobs', `${cores}`];
  const job = submitArray({
    name: `sweep-${sweep.name}`,
    elements: elements.map((_, element) => element),
    command: [...inContainer, ...program, ...sweepArgs, '--array', resolve(array)],
    folder: process.cwd(),
    logs: resolve(logFolder(path)),
    options,
  });
  keepJob(array, job);
  return job;
}

/** Consecutive tasks, as many as an element is to have or as take its time. */
function elementsOf(
  tasks: readonly Task[],
  size: { tasks: number } | { seconds: (task: Task) => number },
): number[][] {
  const elements: number[][] = [];
  let left = 0;
  for (const task of tasks) {
    const costs = 'tasks' in size ? 1 / size.tasks : size.seconds(task) / ELEMENT_S;
    // A hair below nothing: so many equal shares add up to one only nearly.
    if (elements.length === 0 || left - costs < -1e-9) {
      elements.push([]);
      left = 1;
    }
    elements.at(-1)!.push(task.number);
    left -= costs;
  }
  return elements;
}

/** CPU seconds of a task, by what parts of the same grid took, or else by a guess. */
function taskCost(
  { grids }: Sweep,
  folder: ResultsFolder,
  tasks: Tasks,
  done: readonly number[],
): (task: Task) => number {
  const spent = new Map<Ask, { points: number; cpuS: number }>();
  const askOf = (task: Task) => grids[tasks.gridOf(task.number)]!.ask;
  const step = Math.max(1, Math.floor(done.length / MOST_LOOKED_UP));
  for (let index = 0; index < done.length; index += step) {
    const { points, cpuS } = partFacts(folder.partFile(done[index]!));
    const ask = askOf(tasks.at(done[index]!));
    const before = spent.get(ask) ?? { points: 0, cpuS: 0 };
    spent.set(ask, { points: before.points + points, cpuS: before.cpuS + cpuS });
  }
  return (task) => {
    const ask = askOf(task);
    const known = spent.get(ask);
    return task.points * (known === undefined ? GUESSED_S[ask] : known.cpuS / known.points);
  };
}

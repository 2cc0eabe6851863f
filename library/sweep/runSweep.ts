import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { onStop, stoppable, stopped } from '../../build/stopSignals.ts';
import { provenanceOfProcess } from '../../studies/sweep/provenance.ts';
import { ResultsFolder } from '../../studies/sweep/resultsFolder.ts';
import type { Sweep } from '../../studies/sweep/sweep.ts';
import { Tasks } from '../../studies/sweep/tasks.ts';
import { UNWATCHED, type Watch } from '../progress.ts';
import { type WorkerOrder, workInThreads } from './workerPool.ts';

export interface SweepRun {
  /** Folder of the results; what is there of the same sweep is not answered again. */
  results: string;
  jobs: number;
  /** Numbers of the tasks; all unless given. */
  tasks?: readonly number[];
  /** One line at a time. */
  onNote: (text: string) => void;
  watch?: Watch;
}

/** What a start has done. */
export interface SweepOutcome {
  folder: ResultsFolder;
  /** Tasks that were asked for, that were done before, and that this start has done. */
  asked: number;
  before: number;
  done: number;
  /** Rows of this start that say why there is no answer. */
  errors: number;
  failed: readonly { task: number; error: string }[];
}

/**
 * Answers what a sweep's results lack, task by task, in threads. A task that breaks does not keep the others from being done; several
 * starts may work on one folder, here and on other hosts.
 *
 * @throws UserError for a folder of another sweep; StoppedError after SIGINT, SIGTERM or SIGHUP: whole tasks stay, so that the next start goes on.
 */
export function runSweep(sweep: Sweep, run: SweepRun): Promise<SweepOutcome> {
  return stoppable(run.onNote, () => answerMissing(sweep, run));
}

async function answerMissing(
  sweep: Sweep,
  { results, jobs, tasks: chosen, onNote, watch = UNWATCHED }: SweepRun,
): Promise<SweepOutcome> {
  const folder = ResultsFolder.open(results, sweep, provenanceOfProcess());
  const tasks = new Tasks(sweep.grids);
  const missing = missingTasks(folder, tasks.count, chosen, onNote);
  const asked = chosen?.length ?? tasks.count;
  const outcome = { folder, asked, before: asked - missing.length, done: 0, errors: 0 };
  const failed: { task: number; error: string }[] = [];
  if (missing.length === 0) return { ...outcome, failed };
  const progress = watch(missing.reduce((sum, task) => sum + tasks.at(task).points, 0));
  const order = fromOwnPlace(missing);
  const keep = onStop(() => progress.end());
  const advance = (points: number) => {
    for (let point = 0; point < points; point += 1) progress.advance();
  };
  let at = 0;
  const next = (): WorkerOrder | null => {
    // Another start may have done it since.
    while (at < order.length && existsSync(folder.partFile(order[at]!)))
      advance(tasks.at(order[at++]!).points);
    if (at >= order.length || stopped() !== null) return null;
    const task = order[at++]!;
    return { task, part: folder.partFile(task) };
  };
  try {
    await workInThreads(
      Math.min(jobs, missing.length),
      { file: sweep.file, hash: sweep.hash },
      {
        next,
        onPoints: advance,
        onDone: ({ task, errors }) => {
          folder.succeed(task);
          outcome.done += 1;
          outcome.errors += errors;
        },
        onFailed: (task, error) => {
          folder.fail({ task, error, node: hostname(), at: new Date().toISOString() });
          failed.push({ task, error });
        },
      },
    );
  } finally {
    keep();
    progress.end();
  }
  return { ...outcome, failed };
}

function missingTasks(
  folder: ResultsFolder,
  count: number,
  chosen: readonly number[] | undefined,
  onNote: (text: string) => void,
): number[] {
  const done = new Set(
    folder.done().filter((task) => {
      if (folder.keepWhole(task)) return true;
      onNote(`${folder.partFile(task)}: is cut off; it was put aside, and its task is done anew`);
      return false;
    }),
  );
  const all = chosen ?? Array.from({ length: count }, (_, task) => task);
  return all.filter((task) => !done.has(task));
}

/** The same tasks from a place that differs between processes, so that two starts on one folder seldom work on the same one. */
function fromOwnPlace(tasks: readonly number[]): number[] {
  const place = process.pid % tasks.length;
  return [...tasks.slice(place), ...tasks.slice(0, place)];
}

import { parentPort, workerData } from 'node:worker_threads';
import { placePart } from '../../studies/sweep/part.ts';
import { provenanceOfProcess } from '../../studies/sweep/provenance.ts';
import { readSweep } from '../../studies/sweep/sweep.ts';
import { Tasks } from '../../studies/sweep/tasks.ts';
import { SweepAnswers } from './answers.ts';
import { answerTask } from './runTask.ts';
import type { WorkerOrder, WorkerReport, WorkerStart } from './workerPool.ts';

// One thread of a sweep: it reads the sweep once, and answers the tasks that it is handed.
const { file, hash } = workerData as WorkerStart;
const sweep = readSweep(file, true);
const tasks = new Tasks(sweep.grids);
const answers = new SweepAnswers(sweep);
const provenance = provenanceOfProcess();
const report = (message: WorkerReport) => parentPort!.postMessage(message);

/** Points between two reports: messages cost as much as some points. */
const REPORTED_MS = 200;

async function work({ task: number, part }: WorkerOrder): Promise<void> {
  let reported = performance.now();
  let unreported = 0;
  const onPoint = () => {
    unreported += 1;
    if (performance.now() - reported < REPORTED_MS) return;
    report({ kind: 'points', points: unreported });
    [reported, unreported] = [performance.now(), 0];
  };
  try {
    if (sweep.hash !== hash) throw new Error(`${file} has changed since this sweep was started`);
    const { bytes, facts } = await answerTask(sweep, answers, tasks.at(number), provenance, onPoint);
    const isFirst = placePart(part, bytes);
    report({ kind: 'points', points: unreported });
    report({ kind: 'done', task: number, isFirst, errors: facts.errors });
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    report({ kind: 'failed', task: number, error: text });
  }
}

parentPort!.on('message', (order: WorkerOrder) => void work(order));
report({ kind: 'ready' });

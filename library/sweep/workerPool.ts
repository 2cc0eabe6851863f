import { Worker } from 'node:worker_threads';

export interface WorkerStart {
  file: string;
  hash: string;
}

export interface WorkerOrder {
  task: number;
  part: string;
}

export type WorkerReport =
  | { kind: 'ready' }
  | { kind: 'points'; points: number }
  | { kind: 'done'; task: number; isFirst: boolean; errors: number }
  | { kind: 'failed'; task: number; error: string };

/** What hears of the tasks of a pool. */
export interface PoolWatch {
  /** The next task, or null where none is left. */
  next(): WorkerOrder | null;
  onPoints(points: number): void;
  onDone(report: Extract<WorkerReport, { kind: 'done' }>): void;
  onFailed(task: number, error: string): void;
}

/** V8's heap of one thread, MiB: a task holds megabytes, and a thread that leaks must not take the machine along. */
const HEAP_MIB = 1024;

/** Has so many threads work until `next` has nothing more; a thread that dies fails its task, and another takes its place. */
export async function workInThreads(threads: number, start: WorkerStart, watch: PoolWatch): Promise<void> {
  await Promise.all(Array.from({ length: threads }, () => workInOne(start, watch)));
}

async function workInOne(start: WorkerStart, watch: PoolWatch): Promise<void> {
  let order = watch.next();
  while (order !== null) {
    const { died, during } = await oneThread(start, order, watch);
    if (!died) return;
    watch.onFailed(during.task, died.message);
    order = watch.next();
  }
}

/** A thread's life: over where no task is left, or where it died during one. */
function oneThread(
  start: WorkerStart,
  first: WorkerOrder,
  watch: PoolWatch,
): Promise<{ died: Error | null; during: WorkerOrder }> {
  return new Promise((resolve) => {
    const worker = threadOf(start);
    let during = first;
    let isIdle = false;
    const go = () => {
      const order = isIdle ? watch.next() : first;
      isIdle = true;
      if (order === null) {
        worker.removeAllListeners('exit');
        void worker.terminate().then(() => resolve({ died: null, during }));
        return;
      }
      during = order;
      worker.postMessage(order);
    };
    worker.on('message', (report: WorkerReport) => {
      if (report.kind === 'points') watch.onPoints(report.points);
      else {
        if (report.kind === 'done') watch.onDone(report);
        if (report.kind === 'failed') watch.onFailed(report.task, report.error);
        go();
      }
    });
    let died = new Error('the thread ended');
    worker.on('error', (error) => {
      died = error instanceof Error ? error : new Error(String(error));
    });
    worker.on('exit', () => resolve({ died, during }));
  });
}

/** The thread's program lies beside this file: compiled, or as source, which a thread has to be taught to read. */
function threadOf(start: WorkerStart): Worker {
  const options = { workerData: start, resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB } };
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./sweepWorker.js', import.meta.url), options);
  const source = new URL('./sweepWorker.ts', import.meta.url).href;
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import('${source}'); })`;
  return new Worker(code, { ...options, eval: true });
}

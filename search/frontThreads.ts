import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Optimum } from './optimise.ts';
import type { FrontShare } from './planning.ts';

/** Threads that work on a front at once, the caller's own among them. */
export function frontThreads(): number {
  return availableParallelism();
}

/** A share of a front, worked on in a thread of its own. */
export function inThread(share: FrontShare, onPoint: () => void): Promise<Optimum[]> {
  return new Promise((resolve, reject) => {
    const worker = frontWorker(share);
    const optima: Optimum[] = [];
    worker.on('message', (optimum: Optimum) => {
      optima.push(optimum);
      onPoint();
    });
    worker.on('error', reject);
    worker.on('exit', (code) =>
      code === 0 ? resolve(optima) : reject(new Error(`a search thread ended with ${code}`)),
    );
  });
}

/** The thread's program lies beside this file: compiled, or as source, which a thread has to be taught to read. */
function frontWorker(share: FrontShare): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./frontWorker.js', import.meta.url), { workerData: share });
  const source = new URL('./frontWorker.ts', import.meta.url).href;
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import('${source}'); })`;
  return new Worker(code, { eval: true, workerData: share });
}

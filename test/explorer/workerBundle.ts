import { Worker } from 'node:worker_threads';
import type { ModelWorker } from '../../explorer/client.ts';
import type { Answered, Asked } from '../../explorer/protocol.ts';

/**
 * What a browser's worker has, made of a thread of Node's; then what only Node has is taken away. `FileReaderSync` and synchronous
 * requests are not there.
 */
const SCOPE = `
  const { readFileSync } = require('node:fs');
  const { join } = require('node:path');
  const { Script } = require('node:vm');
  const { parentPort, workerData } = require('node:worker_threads');
  const read = (name) => {
    parentPort.postMessage({ loaded: name });
    return readFileSync(join(workerData, name));
  };
  const run = (name) => new Script(read(name).toString('utf8'), { filename: name }).runInThisContext();
  const scope = {
    self: globalThis,
    WorkerGlobalScope: class {},
    location: { href: 'http://127.0.0.1/worker.js' },
    // Node's own responses need what is taken away below.
    fetch: async (url) => {
      const bytes = new Uint8Array(read(new URL(url).pathname.slice(1)));
      return { ok: true, arrayBuffer: async () => bytes.buffer };
    },
    importScripts: run,
    postMessage: (data) => parentPort.postMessage({ data }),
  };
  // Some are accessors of Node's.
  for (const [name, value] of Object.entries(scope)) Object.defineProperty(globalThis, name, { value, configurable: true });
  const ofNode = ['process', 'Buffer', 'global', 'setImmediate', 'require', 'module', 'exports', '__filename', '__dirname'];
  for (const name of ofNode) delete globalThis[name];
  run('worker.js');
  parentPort.on('message', (data) => globalThis.onmessage({ data }));
`;

type Posted = { loaded: string } | { data: Answered };

/** The explorer's worker as it is built, in a thread of its own. */
export class WorkerBundle implements ModelWorker {
  readonly #thread: Worker;
  readonly #heard: ((event: { data: Answered }) => void)[] = [];
  /** Scripts and files that were loaded behind the first. */
  readonly loaded = new Set<string>();

  /** @param site folder of the built explorer. */
  constructor(site: string) {
    this.#thread = new Worker(SCOPE, { eval: true, workerData: site });
    this.#thread.on('message', (posted: Posted) => {
      if ('data' in posted) for (const listen of this.#heard) listen(posted);
      else if (posted.loaded !== 'worker.js') this.loaded.add(posted.loaded);
    });
  }

  postMessage(asked: Asked): void {
    this.#thread.postMessage(asked);
  }

  addEventListener(type: 'message' | 'error', listen: never): void {
    if (type === 'message') this.#heard.push(listen);
    else this.#thread.on('error', listen);
  }

  terminate(): void {
    void this.#thread.terminate();
  }
}

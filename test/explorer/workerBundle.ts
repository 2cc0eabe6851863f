import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, Script } from 'node:vm';
import type { ModelWorker } from '../../explorer/client.ts';
import type { Answered, Asked } from '../../explorer/protocol.ts';

/** What workers of all browsers have and the bundle uses; Node's own, but for what is added below. */
const GLOBALS = {
  ...{ Blob, MessageChannel, Response, TextDecoder, TextEncoder, URL, URLSearchParams },
  ...{ console, clearTimeout, performance, setTimeout, structuredClone, queueMicrotask },
};

interface Scope {
  onmessage?: (event: { data: Asked }) => void;
}

/** The explorer's worker as it is built, run in a global scope that has nothing of Node. */
export class WorkerBundle implements ModelWorker {
  readonly #scope: Scope;
  readonly #heard: ((event: { data: Answered }) => void)[] = [];
  /** Scripts and files that were loaded behind the first. */
  readonly loaded: string[] = [];

  /** @param site folder of the built explorer. */
  constructor(site: string) {
    const read = (name: string) => {
      this.loaded.push(name);
      return readFileSync(join(site, name));
    };
    const scope: Record<string, unknown> = {
      ...GLOBALS,
      WorkerGlobalScope: class {},
      location: { href: 'http://127.0.0.1/worker.js' },
      fetch: async (url: string) => new Response(new Uint8Array(read(new URL(url).pathname.slice(1)))),
      // Through the clone that messages of real workers go through.
      postMessage: (answered: Answered) => {
        const data = structuredClone(answered);
        for (const listen of this.#heard) listen({ data });
      },
    };
    scope.self = scope;
    const context = createContext(scope);
    const run = (name: string) =>
      new Script(read(name).toString('utf8'), { filename: name }).runInContext(context);
    scope.importScripts = run;
    run('worker.js');
    this.loaded.length = 0;
    this.#scope = scope as Scope;
  }

  postMessage(asked: Asked): void {
    this.#scope.onmessage!({ data: structuredClone(asked) });
  }

  addEventListener(type: 'message' | 'error', listen: never): void {
    if (type === 'message') this.#heard.push(listen);
  }

  terminate(): void {
    this.#heard.length = 0;
  }
}

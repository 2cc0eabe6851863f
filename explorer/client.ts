import type { Answered, Ask, Asked, Replies } from './protocol.ts';

/** What the client needs of a worker. */
export interface ModelWorker {
  postMessage(asked: Asked): void;
  addEventListener(type: 'message', listen: (event: { data: Answered }) => void): void;
  addEventListener(type: 'error', listen: (event: { message: string }) => void): void;
  terminate(): void;
}

/** What a question lacks or has wrong, in one line for the user. */
export class Mistake extends Error {
  override readonly name = 'Mistake';
}

type AskOf<Kind extends Ask['kind']> = Extract<Ask, { kind: Kind }>;

/** Workers by what they answer, so that no drag waits for a simulation and no simulation for a search. */
type Desk = 'quick' | 'patient' | 'search';
const DESKS: Readonly<Record<Ask['kind'], Desk>> = {
  lists: 'quick',
  predict: 'quick',
  file: 'quick',
  'break-even': 'patient',
  timeline: 'patient',
  solver: 'search',
  search: 'search',
};

interface Waiting {
  desk: Desk;
  kind: Ask['kind'];
  resolve(reply: Replies[keyof Replies] | null): void;
  reject(error: Error): void;
}

/**
 * The model, which runs in workers that are opened when they are first needed.
 *
 * @example
 * const model = new ModelClient(() => new Worker('worker.js'));
 * const prediction = await model.ask({ kind: 'predict', question: { model: 'flux.1-dev', machine: 'h200-x2' } });
 */
export class ModelClient {
  readonly #open: () => ModelWorker;
  readonly #workers = new Map<Desk, ModelWorker>();
  readonly #waiting = new Map<number, Waiting>();
  /** For workers that are opened later. */
  readonly #files = new Map<string, AskOf<'file'>>();
  #next = 0;

  constructor(open: () => ModelWorker) {
    this.#open = open;
  }

  /**
   * Asks the model.
   *
   * @returns the reply, or null where a newer ask of the same kind took its place.
   * @throws Mistake for what is wrong with the question; Error for a bug, with its stack.
   */
  ask<Kind extends Ask['kind']>(ask: AskOf<Kind>): Promise<Replies[Kind] | null> {
    const desk = DESKS[ask.kind];
    // One that searches hears nothing meanwhile; one that has searched is quicker the next time.
    if (ask.kind === 'search' && this.#isSearching()) this.#dismiss(desk);
    if (ask.kind === 'file') this.#tellOthers(ask as AskOf<'file'>);
    return this.#send(desk, ask) as Promise<Replies[Kind] | null>;
  }

  /** Has the solver loaded ahead of a search that is about to be asked for. */
  prepareSearch(): void {
    if (!this.#workers.has('search')) this.#send('search', { kind: 'solver' }).catch(() => {});
  }

  /** Ends a search that is no longer wanted; its promise becomes null. */
  stopSearch(): void {
    this.#dismiss('search');
  }

  #isSearching(): boolean {
    return [...this.#waiting.values()].some(({ kind }) => kind === 'search');
  }

  #tellOthers(file: AskOf<'file'>): void {
    this.#files.set(file.name, file);
    // What is wrong with a file is said by the worker that is asked.
    for (const desk of this.#workers.keys()) if (desk !== 'quick') this.#send(desk, file).catch(() => {});
  }

  #send(desk: Desk, ask: Ask): Promise<Replies[keyof Replies] | null> {
    const worker = this.#workerAt(desk);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { desk, kind: ask.kind, resolve, reject });
      worker.postMessage({ id, ask });
    });
  }

  #workerAt(desk: Desk): ModelWorker {
    const known = this.#workers.get(desk);
    if (known !== undefined) return known;
    const worker = this.#open();
    this.#workers.set(desk, worker);
    worker.addEventListener('message', ({ data }) => this.#settle(data));
    worker.addEventListener('error', ({ message }) => this.#fail(desk, message));
    for (const file of this.#files.values()) if (desk !== 'quick') this.#send(desk, file).catch(() => {});
    return worker;
  }

  #settle(answered: Answered): void {
    const waiting = this.#waiting.get(answered.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answered.id);
    if ('reply' in answered) waiting.resolve(answered.reply);
    else if ('stale' in answered) waiting.resolve(null);
    else waiting.reject('mistake' in answered ? new Mistake(answered.mistake) : new Error(answered.bug));
  }

  #dismiss(desk: Desk): void {
    this.#workers.get(desk)?.terminate();
    this.#workers.delete(desk);
    this.#settleAll(desk, ({ resolve }) => resolve(null));
  }

  /** A worker that could not be loaded answers nothing. */
  #fail(desk: Desk, message: string): void {
    this.#workers.delete(desk);
    this.#settleAll(desk, ({ reject }) => reject(new Error(`the model's worker failed: ${message}`)));
  }

  #settleAll(desk: Desk, settle: (waiting: Waiting) => void): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.desk !== desk) continue;
      this.#waiting.delete(id);
      settle(waiting);
    }
  }
}

import type { CompiledProgram } from './devices/compiledProgram.ts';
import type { StepLedger } from './stepLedger.ts';

/** What a stream is doing: nothing, its head operation, or waiting for another operation. */
const FREE = 0;
const RUNNING = 1;
const WAITING = 2;

/**
 * FIFO streams of operations, repeated step after step: which operation is at the head of each, and what it still waits for.
 *
 * A stream that may go on is listed once, and taken from the list by `takeReady`.
 */
export class Streams {
  /** By stream: the place of its head in `streamOps`, and the step that the head belongs to. */
  readonly head: Int32Array;
  readonly step: Int32Array;
  readonly #compiled: CompiledProgram;
  readonly #ledger: StepLedger;
  readonly #state: Uint8Array;
  /** By stream: waits of its head that are fulfilled. */
  readonly #nextWait: Int32Array;
  /** Streams whose head waits for an operation: a list per operation, linked by stream. */
  readonly #firstWaiting: Int32Array;
  readonly #nextWaiting: Int32Array;
  /** Streams that may go on, each once. */
  readonly #ready: Int32Array;
  readonly #isReady: Uint8Array;
  #readyCount = 0;

  constructor(compiled: CompiledProgram, ledger: StepLedger) {
    const { streamCount } = compiled;
    this.#compiled = compiled;
    this.#ledger = ledger;
    this.head = compiled.firstOp.slice(0, streamCount);
    this.step = new Int32Array(streamCount);
    this.#state = new Uint8Array(streamCount);
    this.#nextWait = new Int32Array(streamCount);
    this.#firstWaiting = new Int32Array(compiled.ops.length).fill(-1);
    this.#nextWaiting = new Int32Array(streamCount).fill(-1);
    this.#ready = new Int32Array(streamCount);
    this.#isReady = new Uint8Array(streamCount);
  }

  /** The operation at a stream's head. */
  opAt(stream: number): number {
    return this.#compiled.streamOps[this.head[stream]!]!;
  }

  get hasReady(): boolean {
    return this.#readyCount > 0;
  }

  /** Takes a stream that may go on: the one that was listed last. */
  takeReady(): number {
    const stream = this.#ready[--this.#readyCount]!;
    this.#isReady[stream] = 0;
    return stream;
  }

  wakeAll(): void {
    for (let stream = 0; stream < this.step.length; stream += 1) this.#wake(stream);
  }

  /**
   * Takes a stream's operations before a block position as done in the first step. Returns false where all of them are: the stream
   * goes on with the next step.
   */
  skipTo(position: number, stream: number): boolean {
    const { position: positionOf, streamOps, firstOp } = this.#compiled;
    const first = firstOp[stream]!;
    const end = firstOp[stream + 1]!;
    let head = first;
    for (; head < end && positionOf[streamOps[head]!]! < position; head += 1)
      this.#ledger.skip(streamOps[head]!);
    if (head === end) this.step[stream] = 1;
    this.head[stream] = head === end ? first : head;
    return head < end;
  }

  /**
   * Starts the operation at a stream's head if the one before it is done and all its waits are. If one is not, the stream goes on
   * once that operation is done.
   */
  startHead(stream: number): boolean {
    if (this.#state[stream] !== FREE) return false;
    const { firstWait, waitOp, waitAgo } = this.#compiled;
    const op = this.opAt(stream);
    const first = firstWait[op]!;
    const count = firstWait[op + 1]! - first;
    while (this.#nextWait[stream]! < count) {
      const wait = first + this.#nextWait[stream]!;
      const waited = waitOp[wait]!;
      if (this.#ledger.doneStep[waited]! < this.step[stream]! - waitAgo[wait]!) {
        this.#nextWaiting[stream] = this.#firstWaiting[waited]!;
        this.#firstWaiting[waited] = stream;
        this.#state[stream] = WAITING;
        return false;
      }
      this.#nextWait[stream]! += 1;
    }
    this.#state[stream] = RUNNING;
    return true;
  }

  /** The head is done. Returns whether it was the last operation of its stream's step. */
  endHead(stream: number): boolean {
    const { firstOp } = this.#compiled;
    this.#state[stream] = FREE;
    this.#nextWait[stream] = 0;
    const next = this.head[stream]! + 1;
    const wasLast = next === firstOp[stream + 1];
    if (wasLast) {
      this.head[stream] = firstOp[stream]!;
      this.step[stream]! += 1;
    } else this.head[stream] = next;
    this.#wake(stream);
    return wasLast;
  }

  /** Streams whose head waits for an operation that is done go on. */
  release(op: number): void {
    let waiting = this.#firstWaiting[op]!;
    this.#firstWaiting[op] = -1;
    while (waiting >= 0) {
      const following = this.#nextWaiting[waiting]!;
      this.#state[waiting] = FREE;
      this.#wake(waiting);
      waiting = following;
    }
  }

  #wake(stream: number): void {
    if (this.#isReady[stream] === 1) return;
    this.#isReady[stream] = 1;
    this.#ready[this.#readyCount++] = stream;
  }
}

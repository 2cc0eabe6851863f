import type { Arithmetic } from '../physics/arithmetic.ts';
import type { CopyQueue } from './copyQueue.ts';
import type { Sharing } from './copyRun.ts';

/** A collective on links, by itself, and what copies and it leave each other. Seconds. */
export interface MovingCollective<T> {
  latencyS: T;
  /** Of its bytes. */
  moveS: T;
  sharing: Sharing<T>;
}

/** A collective of which a part has passed: its start-up, then its bytes. */
export class CollectiveUnderWay<T> {
  readonly #arithmetic: Arithmetic<T>;
  #latencyS: T;
  /** Seconds of its bytes by themselves that are left. */
  #moveS: T;
  readonly #sharing: Sharing<T>;

  constructor(arithmetic: Arithmetic<T>, { latencyS, moveS, sharing }: MovingCollective<T>) {
    this.#arithmetic = arithmetic;
    this.#latencyS = latencyS;
    this.#moveS = moveS;
    this.#sharing = sharing;
  }

  /** Lets time pass in which copies run as well; when the collective is done, they have the link to themselves. */
  beside(queue: CopyQueue<T>, seconds: T): void {
    const arithmetic = this.#arithmetic;
    const startUpS = this.#startUp(seconds);
    queue.alone(startUpS);
    const besideS = arithmetic.minus(seconds, startUpS);
    const { elapsedS, leftS } = queue.besideAtMost(this.#moveS, this.#sharing, besideS);
    this.#moveS = leftS;
    queue.alone(arithmetic.minus(besideS, elapsedS));
  }

  /** Lets time pass in which no copy goes on. */
  alone(seconds: T): void {
    const arithmetic = this.#arithmetic;
    const movesS = arithmetic.minus(seconds, this.#startUp(seconds));
    this.#moveS = arithmetic.larger(arithmetic.constant(0), arithmetic.minus(this.#moveS, movesS));
  }

  /** Seconds of start-up in the next `seconds`, which are then over. */
  #startUp(seconds: T): T {
    const startUpS = this.#arithmetic.smaller(seconds, this.#latencyS);
    this.#latencyS = this.#arithmetic.minus(this.#latencyS, startUpS);
    return startUpS;
  }

  /** Lets the rest pass beside copies; returns its seconds. */
  finish(queue: CopyQueue<T>): T {
    queue.alone(this.#latencyS);
    return this.#arithmetic.plus(this.#latencyS, queue.beside(this.#moveS, this.#sharing));
  }
}

import type { CopyQueue, Sharing } from './copyQueue.ts';

/** A collective of which a part has passed: its start-up, then its bytes. */
export class CollectiveUnderWay {
  #latencyS: number;
  /** Seconds of its bytes by themselves that are left. */
  #moveS: number;
  readonly #sharing: Sharing;

  constructor(latencyS: number, moveS: number, sharing: Sharing) {
    this.#latencyS = latencyS;
    this.#moveS = moveS;
    this.#sharing = sharing;
  }

  /** Lets time pass in which copies run as well; when the collective is done, they have the link to themselves. */
  beside(queue: CopyQueue, seconds: number): void {
    const startUpS = Math.min(seconds, this.#latencyS);
    queue.alone(startUpS);
    this.#latencyS -= startUpS;
    const { elapsedS, leftS } = queue.besideAtMost(this.#moveS, this.#sharing, seconds - startUpS);
    this.#moveS = leftS;
    queue.alone(seconds - startUpS - elapsedS);
  }

  /** Lets time pass in which no copy goes on. */
  alone(seconds: number): void {
    const startUpS = Math.min(seconds, this.#latencyS);
    this.#latencyS -= startUpS;
    this.#moveS = Math.max(0, this.#moveS - (seconds - startUpS));
  }

  /** Lets the rest pass beside copies; returns its seconds. */
  finish(queue: CopyQueue): number {
    queue.alone(this.#latencyS);
    return this.#latencyS + queue.beside(this.#moveS, this.#sharing);
  }
}

/** A run of chunks that is waiting to be copied, or half copied. */
interface Run {
  /** Place of its block among all blocks, counted on over passes and steps. */
  block: number;
  /** Seconds of bytes on an undisturbed link that are left. */
  moveS: number;
  /** Seconds of pauses that are left: start-ups, gaps, pacing. */
  pauseS: number;
}

/** How fast copies and a collective go while both run, as fractions of each alone. */
export interface Sharing {
  h2d: number;
  collective: number;
}

/**
 * The prefetch stream as a fluid: runs in order, each a mixture of moving bytes and pauses. Progress is spread
 * evenly over a run, so a chunk boundary costs on average what it costs.
 */
export class CopyQueue {
  readonly #runs: Run[] = [];

  push(block: number, moveS: number, pauseS: number): void {
    if (moveS + pauseS > 0) this.#runs.push({ block, moveS, pauseS });
  }

  get empty(): boolean {
    return this.#runs.length === 0;
  }

  /** Seconds that all runs up to and with the last of `block` take on an undisturbed link; 0 if it has landed. */
  leftS(block: number): number {
    const last = this.#runs.findLastIndex((run) => run.block <= block);
    return this.#runs.slice(0, last + 1).reduce((sum, run) => sum + run.moveS + run.pauseS, 0);
  }

  get allLeftS(): number {
    return this.leftS(Number.POSITIVE_INFINITY);
  }

  /** Lets `seconds` pass with the link to itself. */
  alone(seconds: number): void {
    this.#advance(seconds, 1);
  }

  /**
   * Runs beside a collective that needs `workS` seconds alone; returns the seconds that both together take until
   * the collective is done. During a copy's pauses the collective has the link to itself.
   */
  beside(workS: number, sharing: Sharing): number {
    let elapsed = 0;
    let work = workS;
    while (work > 1e-12 && this.#runs.length > 0) {
      const run = this.#runs[0]!;
      const lasts = run.moveS / sharing.h2d + run.pauseS;
      const rate = ((run.moveS / sharing.h2d) * sharing.collective + run.pauseS) / lasts;
      const seconds = Math.min(lasts, work / rate);
      this.#advance(seconds, sharing.h2d);
      work -= seconds * rate;
      elapsed += seconds;
    }
    return elapsed + Math.max(0, work);
  }

  #advance(seconds: number, h2d: number): void {
    let left = seconds;
    while (left > 0 && this.#runs.length > 0) {
      const run = this.#runs[0]!;
      const lasts = run.moveS / h2d + run.pauseS;
      if (lasts <= left * (1 + 1e-12)) {
        this.#runs.shift();
        left -= lasts;
        continue;
      }
      const keep = 1 - left / lasts;
      run.moveS *= keep;
      run.pauseS *= keep;
      return;
    }
  }
}

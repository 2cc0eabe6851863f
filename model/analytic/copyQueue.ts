/** A run of chunks that is waiting to be copied, or half copied. */
export interface Run {
  /** Place of its block among all blocks, counted on over passes and steps. */
  block: number;
  /** Place of the block that issued it, and how many of that block's collectives come before it in program order. */
  issuedBy: number;
  window: number;
  /** Seconds of bytes on an undisturbed link that are left. */
  moveS: number;
  /** Seconds of pauses that are left: start-ups, gaps, pacing. */
  pauseS: number;
  /** Chunks that are left. */
  chunks: number;
}

/** How fast copies and a collective go while both run, as fractions of each alone. */
export interface Sharing {
  h2d: number;
  collective: number;
  /** Seconds by which each chunk's pause is longer than alone. */
  longerPauseS: number;
}

const ALONE: Sharing = { h2d: 1, collective: 1, longerPauseS: 0 };

/**
 * The prefetch stream as a fluid: runs in order, each a mixture of moving bytes and pauses. Progress is spread
 * evenly over a run, so a chunk boundary costs on average what it costs.
 */
export class CopyQueue {
  readonly #runs: Run[] = [];
  #idleS = Number.POSITIVE_INFINITY;

  push(run: Readonly<Run>): void {
    if (run.moveS + run.pauseS > 0) this.#runs.push({ ...run });
  }

  /** Seconds since the last run ended; 0 while there is one. */
  get idleS(): number {
    return this.empty ? this.#idleS : 0;
  }

  /** Seconds of bytes of the chunk in flight on an undisturbed link; null where no other chunk is queued behind it. */
  get chunkS(): number | null {
    const [first, second] = this.#runs.filter(({ chunks }) => chunks > 0);
    if (first === undefined || (first.chunks <= 1 && second === undefined)) return null;
    return first.moveS / first.chunks;
  }

  /** Puts off all runs by so many seconds, in which nothing is copied. */
  hold(seconds: number): void {
    const { block, issuedBy, window } = this.#runs[0]!;
    if (seconds > 0) this.#runs.unshift({ block, issuedBy, window, moveS: 0, pauseS: seconds, chunks: 0 });
  }

  get empty(): boolean {
    return this.#runs.length === 0;
  }

  /** All that decides how the queue goes on, its blocks seen from `place`. */
  state(place: number): number[] {
    return this.#runs.flatMap(({ block, issuedBy, window, moveS, pauseS, chunks }) => [
      block - place,
      issuedBy - place,
      window,
      moveS,
      pauseS,
      chunks,
    ]);
  }

  /** Counts the blocks of all runs on by so many places. */
  shift(places: number): void {
    for (const run of this.#runs) {
      run.block += places;
      run.issuedBy += places;
    }
  }

  /** Seconds that all runs up to and with the last of `block` take on an undisturbed link; 0 if it has landed. */
  leftS(block: number): number {
    return this.#leftThroughS((run) => run.block <= block);
  }

  /** Seconds that all runs before the n-th collective of the block at `place` take, in program order. */
  leftBeforeS(place: number, collectives: number): number {
    return this.#leftThroughS(
      ({ issuedBy, window }) => issuedBy < place || (issuedBy === place && window < collectives),
    );
  }

  #leftThroughS(isLast: (run: Run) => boolean): number {
    const last = this.#runs.findLastIndex(isLast);
    return this.#runs.slice(0, last + 1).reduce((sum, run) => sum + run.moveS + run.pauseS, 0);
  }

  get allLeftS(): number {
    return this.leftS(Number.POSITIVE_INFINITY);
  }

  /** Lets `seconds` pass with the link to itself. */
  alone(seconds: number): void {
    this.#advance(seconds, ALONE);
  }

  /**
   * Runs beside a collective that needs `workS` seconds alone; returns the seconds that both together take until
   * the collective is done. During a copy's pauses the collective has the link to itself.
   */
  beside(workS: number, sharing: Sharing): number {
    return this.besideAtMost(workS, sharing, Number.POSITIVE_INFINITY).elapsedS;
  }

  /** As `beside`, for so many seconds at the most; with the seconds of the collective alone that are left then. */
  besideAtMost(workS: number, sharing: Sharing, mostS: number): { elapsedS: number; leftS: number } {
    let elapsed = 0;
    let work = workS;
    while (work > 1e-12 && elapsed < mostS && this.#runs.length > 0) {
      const run = this.#runs[0]!;
      const moveS = run.moveS / sharing.h2d;
      const pauseS = pausesS(run, sharing);
      const lasts = moveS + pauseS;
      const rate = (moveS * sharing.collective + pauseS) / lasts;
      const seconds = Math.min(lasts, work / rate, mostS - elapsed);
      this.#advance(seconds, sharing);
      work -= seconds * rate;
      elapsed += seconds;
    }
    const restS = Math.min(Math.max(0, work), mostS - elapsed);
    this.#advance(restS, sharing);
    return { elapsedS: elapsed + restS, leftS: Math.max(0, work - restS) };
  }

  #advance(seconds: number, sharing: Sharing): void {
    let left = seconds;
    while (left > 0 && this.#runs.length > 0) {
      const run = this.#runs[0]!;
      const lasts = run.moveS / sharing.h2d + pausesS(run, sharing);
      if (lasts <= left * (1 + 1e-12)) {
        this.#runs.shift();
        left -= lasts;
        this.#idleS = 0;
        continue;
      }
      const keep = 1 - left / lasts;
      run.moveS *= keep;
      run.pauseS *= keep;
      run.chunks *= keep;
      return;
    }
    this.#idleS += Math.max(0, left);
  }
}

function pausesS({ pauseS, chunks }: Run, { longerPauseS }: Sharing): number {
  return pauseS + chunks * longerPauseS;
}

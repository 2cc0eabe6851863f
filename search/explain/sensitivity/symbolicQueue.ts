import { constant, type Laurent } from './laurent.ts';
import type { Symbols } from './symbols.ts';

/** A run of chunks, of which some may have been copied. */
interface Run {
  block: number;
  /** Place of the block that issued it, and how many of that block's collectives come before it in program order. */
  issuedBy: number;
  window: number;
  /** Seconds that the whole of it takes on an undisturbed link: bytes that move, and pauses. */
  moveS: Laurent;
  pauseS: Laurent;
  chunks: number;
  /** Seconds on an undisturbed link that are left of both together. */
  leftS: Laurent;
}

/** How fast copies and a collective go while both run, as fractions of each alone. */
export interface SymbolicSharing {
  h2d: number;
  collective: number;
  longerPauseS: Laurent;
}

/** What is this little more than a run's end counts as its end, as in the queue that this one follows. */
const SAME = 1 + 1e-12;
/** Idle time (s) before the first copy. */
const LONG_AGO_S = 10;
/** Seconds of a collective that are no work any more. */
const NO_WORK_S = 1e-12;

/** The prefetch queue of the closed form in expressions: what it does next is decided by their values. */
export class SymbolicQueue {
  readonly #symbols: Symbols;
  readonly #runs: Run[] = [];
  readonly #forgottenS: number;
  #idleS = constant(LONG_AGO_S);

  /** @param forgottenS Idle time (s) of which more decides nothing. */
  constructor(symbols: Symbols, forgottenS: number) {
    this.#symbols = symbols;
    this.#forgottenS = forgottenS;
  }

  /** Seconds since the last run ended, or more than decide anything. */
  get idleS(): Laurent {
    return this.empty ? this.#idleS : constant(0);
  }

  /** Seconds of bytes of each of the first chunks on an undisturbed link. */
  get chunkS(): Laurent {
    const { moveS, chunks } = this.#runs.find((run) => run.chunks > 0)!;
    return moveS.times(constant(1 / chunks));
  }

  /** Puts off all runs by so many seconds, in which nothing is copied. */
  hold(seconds: Laurent): void {
    const { block, issuedBy, window } = this.#runs[0]!;
    const held = { block, issuedBy, window, moveS: constant(0), pauseS: seconds, chunks: 0, leftS: seconds };
    if (seconds.value > 0) this.#runs.unshift(held);
  }

  push(run: Omit<Run, 'leftS'>): void {
    const leftS = run.moveS.plus(run.pauseS);
    if (leftS.value > 0) this.#runs.push({ ...run, leftS });
  }

  get empty(): boolean {
    return this.#runs.length === 0;
  }

  /** Seconds that all runs up to and with the last of `block` take on an undisturbed link. */
  leftS(block: number): Laurent {
    return this.#leftThroughS((run) => run.block <= block);
  }

  /** Seconds that all runs before the n-th collective of the block at `place` take, in program order. */
  leftBeforeS(place: number, collectives: number): Laurent {
    return this.#leftThroughS(
      ({ issuedBy, window }) => issuedBy < place || (issuedBy === place && window < collectives),
    );
  }

  #leftThroughS(isLast: (run: Run) => boolean): Laurent {
    const last = this.#runs.findLastIndex(isLast);
    return this.#runs.slice(0, last + 1).reduce((sum, run) => sum.plus(run.leftS), constant(0));
  }

  /** Lets `seconds` pass with the link to itself. */
  alone(seconds: Laurent): void {
    let rest = seconds;
    while (rest.value > 0 && this.#runs.length > 0) {
      const run = this.#runs[0]!;
      if (run.leftS.value > rest.value * SAME) {
        run.leftS = run.leftS.minus(rest);
        return;
      }
      this.#end();
      rest = rest.minus(run.leftS);
    }
    this.#rest(rest);
  }

  /** Runs beside a collective of `workS` seconds alone; returns the seconds until it is done. */
  beside(workS: Laurent, sharing: SymbolicSharing): Laurent {
    let elapsedS = constant(0);
    let work = workS;
    while (work.value > NO_WORK_S && this.#runs.length > 0) {
      const run = this.#runs[0]!;
      const { copying, moving } = this.#rates(run, sharing);
      const lastsS = run.leftS.times(copying.inverse());
      const endsS = work.times(moving.inverse());
      if (lastsS.value > endsS.value * SAME) {
        run.leftS = run.leftS.minus(copying.times(endsS));
        return elapsedS.plus(endsS);
      }
      this.#end();
      work = work.minus(lastsS.times(moving));
      elapsedS = elapsedS.plus(lastsS);
    }
    this.#rest(work);
    return work.value > 0 ? elapsedS.plus(work) : elapsedS;
  }

  #end(): void {
    this.#runs.shift();
    this.#idleS = constant(0);
  }

  #rest(seconds: Laurent): void {
    if (this.empty && seconds.value > 0 && this.#idleS.value < this.#forgottenS)
      this.#idleS = this.#idleS.plus(seconds);
  }

  /**
   * Seconds of copying, and of the collective, in a second of both. With a run's move of m seconds, pauses of p alone and P
   * beside: copying (m + p) / (m / h2d + P), moving (m collective / h2d + P) / (m / h2d + P).
   */
  #rates(
    run: Run,
    { h2d, collective, longerPauseS }: SymbolicSharing,
  ): { copying: Laurent; moving: Laurent } {
    const besideS = run.pauseS.plus(longerPauseS.times(constant(run.chunks)));
    if (besideS.value === 0) return { copying: constant(h2d), moving: constant(collective) };
    const movesS = run.moveS.times(constant(1 / h2d));
    const togetherS = this.#symbols.named('together', movesS.plus(besideS));
    const movingS = movesS.times(constant(collective)).plus(besideS);
    return {
      copying: this.#symbols.named('copying', run.moveS.plus(run.pauseS)).times(togetherS.inverse()),
      moving: this.#symbols.named('moving', movingS).times(togetherS.inverse()),
    };
  }
}

import { type Arithmetic, NUMBERS } from '../physics/arithmetic.ts';
import { type ChunkRun, type CopyRun, type Sharing, ShrinkingRun } from './copyRun.ts';

/** What is this little more than a run's end counts as its end. */
const SAME = 1 + 1e-12;
/** Seconds of a collective that are no work any more. */
const NO_WORK_S = 1e-12;

/** The prefetch stream: runs of chunks in order, in any arithmetic. */
export class CopyQueue<T> {
  readonly #arithmetic: Arithmetic<T>;
  readonly #runOf: (chunks: ChunkRun<T>) => CopyRun<T>;
  readonly #forgottenS: number;
  readonly #none: T;
  readonly #runs: CopyRun<T>[] = [];
  #idleS: T;

  /**
   * @param runOf how a run passes in this arithmetic.
   * @param forgottenS idle time (s) of which more decides nothing; what came before the first run is as long ago.
   */
  constructor(arithmetic: Arithmetic<T>, runOf: (chunks: ChunkRun<T>) => CopyRun<T>, forgottenS: number) {
    this.#arithmetic = arithmetic;
    this.#runOf = runOf;
    this.#forgottenS = forgottenS;
    this.#none = arithmetic.constant(0);
    this.#idleS = arithmetic.constant(forgottenS);
  }

  push(chunks: ChunkRun<T>): void {
    const run = this.#runOf(chunks);
    if (this.#arithmetic.magnitude(run.leftS) > 0) this.#runs.push(run);
  }

  /** Seconds since the last run ended, or more than decide anything; 0 while there is one. */
  get idleS(): T {
    return this.empty ? this.#idleS : this.#none;
  }

  /** Seconds of bytes of the chunk in flight on an undisturbed link; null where no other chunk is queued behind it. */
  get chunkS(): T | null {
    const [first, second] = this.#runs.filter(({ chunks }) => chunks > 0);
    if (first === undefined || (first.chunks <= 1 && second === undefined)) return null;
    return first.chunkS;
  }

  /** Puts off all runs by so many seconds, in which nothing is copied. */
  hold(seconds: T): void {
    const { block, issuedBy, window } = this.#runs[0]!;
    if (this.#arithmetic.magnitude(seconds) > 0)
      this.#runs.unshift(
        this.#runOf({ block, issuedBy, window, moveS: this.#none, pauseS: seconds, chunks: 0 }),
      );
  }

  get empty(): boolean {
    return this.#runs.length === 0;
  }

  /** All that decides how the queue goes on, its blocks seen from `place`. */
  state(place: number): number[] {
    return this.#runs.flatMap((run) => [
      run.block - place,
      run.issuedBy - place,
      run.window,
      ...run.amounts(),
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
  leftS(block: number): T {
    return this.#leftThroughS((run) => run.block <= block);
  }

  /** Seconds that all runs before the n-th collective of the block at `place` take, in program order. */
  leftBeforeS(place: number, collectives: number): T {
    return this.#leftThroughS(
      ({ issuedBy, window }) => issuedBy < place || (issuedBy === place && window < collectives),
    );
  }

  #leftThroughS(isLast: (run: CopyRun<T>) => boolean): T {
    const last = this.#runs.findLastIndex(isLast);
    return this.#runs.slice(0, last + 1).reduce((sumS, run) => run.endS(sumS), this.#none);
  }

  get allLeftS(): T {
    return this.leftS(Number.POSITIVE_INFINITY);
  }

  /** Lets `seconds` pass with the link to itself. */
  alone(seconds: T): void {
    this.#advance(seconds, null);
  }

  /**
   * Runs beside a collective that needs `workS` seconds alone; returns the seconds that both together take until
   * the collective is done. During a copy's pauses the collective has the link to itself.
   */
  beside(workS: T, sharing: Sharing<T>): T {
    return this.besideAtMost(workS, sharing, null).elapsedS;
  }

  /**
   * As `beside`, for so many seconds at the most; with the seconds of the collective alone that are left then.
   *
   * @param mostS null: however many it takes.
   */
  besideAtMost(workS: T, sharing: Sharing<T>, mostS: T | null): { elapsedS: T; leftS: T } {
    const arithmetic = this.#arithmetic;
    const untilS = mostS === null ? Number.POSITIVE_INFINITY : arithmetic.magnitude(mostS);
    let elapsedS = this.#none;
    let work = workS;
    while (
      arithmetic.magnitude(work) > NO_WORK_S &&
      arithmetic.magnitude(elapsedS) < untilS &&
      this.#runs.length > 0
    ) {
      const run = this.#runs[0]!;
      const lastsS = run.lastsS(sharing);
      const moving = run.moving(sharing, lastsS);
      let seconds = arithmetic.smaller(lastsS, arithmetic.ratio(work, moving));
      if (mostS !== null) seconds = arithmetic.smaller(seconds, arithmetic.minus(mostS, elapsedS));
      // Sums that cancel leave nothing, though their magnitudes may differ by rounding.
      if (arithmetic.magnitude(seconds) <= 0) break;
      this.#advance(seconds, sharing);
      work = arithmetic.minus(work, arithmetic.product(seconds, moving));
      elapsedS = arithmetic.plus(elapsedS, seconds);
    }
    let restS = arithmetic.larger(this.#none, work);
    if (mostS !== null) restS = arithmetic.smaller(restS, arithmetic.minus(mostS, elapsedS));
    this.#advance(restS, sharing);
    return {
      elapsedS: arithmetic.plus(elapsedS, restS),
      leftS: arithmetic.larger(this.#none, arithmetic.minus(work, restS)),
    };
  }

  #advance(seconds: T, sharing: Sharing<T> | null): void {
    const arithmetic = this.#arithmetic;
    let left = seconds;
    while (arithmetic.magnitude(left) > 0 && this.#runs.length > 0) {
      const run = this.#runs[0]!;
      const lastsS = run.lastsS(sharing);
      if (arithmetic.magnitude(lastsS) > arithmetic.magnitude(left) * SAME) {
        run.pass(left, sharing, lastsS);
        return;
      }
      this.#runs.shift();
      left = arithmetic.minus(left, lastsS);
      this.#idleS = this.#none;
    }
    if (arithmetic.magnitude(left) > 0 && arithmetic.magnitude(this.#idleS) < this.#forgottenS)
      this.#idleS = arithmetic.plus(this.#idleS, left);
  }
}

/** @param forgottenS as `CopyQueue` has it: all is remembered unless it is given. */
export function numberQueue(forgottenS: number = Number.POSITIVE_INFINITY): CopyQueue<number> {
  return new CopyQueue(NUMBERS, (chunks) => new ShrinkingRun(chunks), forgottenS);
}

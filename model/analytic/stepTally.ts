import type { StepTimes } from './report.ts';

/** Where the seconds of a step go, in the arithmetic of a walk. */
export interface StepTally<T> {
  /** Seconds of the step so far. */
  readonly stepTimeS: T;
  /** Begins with the next step. */
  begin(): void;
  compute(seconds: T): void;
  /** @param besideS seconds of it in which copies run beside it, and which are `aloneS` where none do. */
  collective(seconds: T, besideS: T, aloneS: T): void;
  /** @param waitS that compute waits for the collective beside it, which takes `aloneS` where no copies run. */
  overlapped(computeS: T, waitS: T, aloneS: T): void;
  exposed(seconds: T): void;
  /** Copies that were issued, by themselves. */
  prefetch(moveS: T, pauseS: T): void;
  /** Keeps what there is. */
  mark(): void;
  /** Adds what has come since the last mark so many times more. */
  repeat(times: number): void;
}

const NO_TIMES: StepTimes = {
  stepTimeS: 0,
  computeS: 0,
  collectiveS: 0,
  exposedPrefetchS: 0,
  collectiveInflationS: 0,
  prefetchS: 0,
};

/** The seconds of a step in numbers, by where they go. */
export class StepTimesTally implements StepTally<number> {
  #times: StepTimes = { ...NO_TIMES };
  #marked: StepTimes = { ...NO_TIMES };

  get stepTimeS(): number {
    const { computeS, collectiveS, exposedPrefetchS } = this.#times;
    return computeS + collectiveS + exposedPrefetchS;
  }

  get times(): StepTimes {
    return { ...this.#times, stepTimeS: this.stepTimeS };
  }

  begin(): void {
    this.#times = { ...NO_TIMES };
  }

  compute(seconds: number): void {
    this.#times.computeS += seconds;
  }

  collective(seconds: number, besideS: number, aloneS: number): void {
    this.#times.collectiveInflationS += besideS - aloneS;
    this.#times.collectiveS += seconds;
  }

  overlapped(computeS: number, waitS: number, aloneS: number): void {
    this.#times.computeS += computeS;
    this.#times.collectiveS += waitS;
    this.#times.collectiveInflationS += Math.max(0, waitS - Math.max(0, aloneS - computeS));
  }

  exposed(seconds: number): void {
    this.#times.exposedPrefetchS += seconds;
  }

  prefetch(moveS: number, pauseS: number): void {
    this.#times.prefetchS += moveS + pauseS;
  }

  mark(): void {
    this.#marked = { ...this.#times };
  }

  repeat(times: number): void {
    for (const key of Object.keys(NO_TIMES) as (keyof StepTimes)[])
      this.#times[key] += times * (this.#times[key] - this.#marked[key]);
  }
}

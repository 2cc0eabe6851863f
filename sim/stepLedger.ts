/** Steps that are kept: the present one, the one before, and what prefetch has already begun of the next ones. */
const KEPT = 4;
/** Two steps are the same when no operation ends at another place by more than this share of the step. */
const SAME_STEP = 1e-7;

/** When each operation ran in the last completed step, in seconds since the start of the simulation. */
export interface SteadyStep {
  /** Whether the step ended in the state in which it began. */
  steady: boolean;
  /** Steps simulated. */
  steps: number;
  stepTimeS: number;
  /** Time at which the step ended. */
  endS: number;
  /** Time at which the step before ended: its own beginning. */
  previousEndS: number;
  /** Start and end of an operation in that step, or its end some steps before. */
  startS(op: number): number;
  endOf(op: number, stepsAgo?: number): number;
}

/** When operations of the last few steps started and ended, which steps are complete, and whether they repeat. */
export class StepLedger {
  readonly #positionOf: Int32Array;
  readonly #started: Float64Array;
  readonly #ended: Float64Array;
  /** Per operation the last step in which it was done; -1 before the first. */
  readonly doneStep: Int32Array;
  readonly #done: number[] = [];
  readonly #endsOfStep: number;
  readonly #ends: number[] = [];
  readonly #boundaries: number[] = [];
  readonly #states: (readonly number[])[] = [];
  #completed = 0;
  #firstPosition = 0;

  /**
   * @param positionOf by operation, the block position that it runs in.
   * @param endsOfStep How many streams must have reached their last operation for a step to end. */
  constructor(positionOf: Int32Array, endsOfStep: number) {
    this.#positionOf = positionOf;
    this.#started = new Float64Array(positionOf.length * KEPT);
    this.#ended = new Float64Array(positionOf.length * KEPT);
    this.doneStep = new Int32Array(positionOf.length).fill(-1);
    this.#endsOfStep = endsOfStep;
  }

  /** Steps of which every operation is done. */
  get completed(): number {
    return this.#completed;
  }

  /** Takes an operation of the first step as done before the simulation began. */
  skip(op: number): void {
    this.doneStep[op] = 0;
    this.#done[0] = (this.#done[0] ?? 0) + 1;
  }

  /** The first step is shortened: only from this block position on does it compare with the second. */
  compareFirstStepFrom(position: number): void {
    this.#firstPosition = position;
  }

  start(op: number, step: number, timeS: number): void {
    this.#started[(step % KEPT) * this.#positionOf.length + op] = timeS;
  }

  end(op: number, step: number, timeS: number): void {
    const count = this.#positionOf.length;
    this.#ended[(step % KEPT) * count + op] = timeS;
    this.doneStep[op] = step;
    const done = (this.#done[step] ?? 0) + 1;
    this.#done[step] = done;
    if (done === count) this.#completed = step + 1;
  }

  /** When an operation ended in the first step; null before that. Asked before the second step begins. */
  firstEndS(op: number): number | null {
    return this.doneStep[op]! < 0 ? null : this.#ended[op]!;
  }

  /**
   * A stream of the critical path has done its last operation of a step; the last such stream ends the step.
   * `state` is what the devices remember beyond which operations have ended.
   */
  reachEnd(step: number, timeS: number, state: () => readonly number[]): void {
    const ends = (this.#ends[step] ?? 0) + 1;
    this.#ends[step] = ends;
    if (ends < this.#endsOfStep) return;
    this.#boundaries[step] = timeS;
    this.#states[step] = state();
  }

  /** Time at which a step's compute and collectives ended on all ranks. */
  boundaryS(step: number): number {
    return this.#boundaries[step]!;
  }

  /**
   * Whether every operation of the last completed step ended where it ended in the step before, seen from the
   * step's end, with the devices in the same state.
   *
   * Of a shortened first step only the last blocks can be compared. That is enough: streams are FIFO, so what
   * those operations leave behind is the whole state in which the next step begins.
   */
  repeats(): boolean {
    const step = this.#completed - 1;
    if (step < 1) return false;
    const shift = this.boundaryS(step) - this.boundaryS(step - 1);
    const slack = SAME_STEP * shift;
    const states = [this.#states[step]!, this.#states[step - 1]!] as const;
    if (states[0].some((value, index) => Math.abs(value - states[1][index]!) > slack)) return false;
    const here = this.#base(step);
    const before = this.#base(step - 1);
    const from = step === 1 ? this.#firstPosition : 0;
    for (let op = 0; op < this.#positionOf.length; op += 1) {
      if (this.#positionOf[op]! < from) continue;
      if (Math.abs(this.#ended[here + op]! - this.#ended[before + op]! - shift) > slack) return false;
    }
    return true;
  }

  report(steady: boolean): SteadyStep {
    const step = this.#completed - 1;
    const first = Math.floor(this.#completed / 2);
    const endS = this.boundaryS(step);
    const previousEndS = step > 0 ? this.boundaryS(step - 1) : 0;
    // Where no step repeats, the mean of the later half is the honest number.
    const stepTimeS =
      steady || step <= first ? endS - previousEndS : (endS - this.boundaryS(first)) / (step - first);
    return {
      steady,
      steps: this.#completed,
      stepTimeS,
      endS,
      previousEndS,
      startS: (op) => this.#started[this.#base(step) + op]!,
      endOf: (op, stepsAgo = 0) => this.#ended[this.#base(step - stepsAgo) + op]!,
    };
  }

  #base(step: number): number {
    return ((step + KEPT) % KEPT) * this.#positionOf.length;
  }
}

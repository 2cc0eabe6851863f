/** Chunks that are queued together, none of them copied. */
export interface ChunkRun<T> {
  /** Place of their block among all blocks, counted on over passes and steps. */
  block: number;
  /** Place of the block that issued them, and how many of that block's collectives come before them in program order. */
  issuedBy: number;
  window: number;
  /** Seconds of bytes on an undisturbed link. */
  moveS: T;
  /** Seconds of pauses: start-ups, gaps, pacing. */
  pauseS: T;
  chunks: number;
}

/** How fast copies and a collective go while both run, as fractions of each alone. */
export interface Sharing<T> {
  h2d: number;
  collective: number;
  /** Seconds by which each chunk's pause is longer than alone. */
  longerPauseS: T;
}

/**
 * A run of chunks as a fluid: a mixture of moving bytes and pauses that passes evenly, so that a chunk boundary costs on average
 * what it costs. `sharing` is null where no collective runs beside it.
 */
export interface CopyRun<T> {
  block: number;
  issuedBy: number;
  readonly window: number;
  /** Chunks that are left. */
  readonly chunks: number;
  /** Seconds of bytes of each. */
  readonly chunkS: T;
  /** Seconds on an undisturbed link that are left. */
  readonly leftS: T;
  /** Seconds until it ends there, the runs before it taking `beforeS`. */
  endS(beforeS: T): T;
  /** Seconds that are left of it. */
  lastsS(sharing: Sharing<T> | null): T;
  /** Seconds of a collective alone that are done in a second of both, which last `lastsS`. A pause leaves it the link to itself. */
  moving(sharing: Sharing<T>, lastsS: T): T;
  /** Lets seconds pass, fewer than it lasts. */
  pass(seconds: T, sharing: Sharing<T> | null, lastsS: T): void;
  /** Magnitudes that tell what is left of it. */
  amounts(): number[];
}

const ALONE: Sharing<number> = { h2d: 1, collective: 1, longerPauseS: 0 };

/** A run in numbers: bytes, pauses and chunks shrink in proportion. */
export class ShrinkingRun implements CopyRun<number> {
  block: number;
  issuedBy: number;
  readonly window: number;
  #moveS: number;
  #pauseS: number;
  #chunks: number;

  constructor({ block, issuedBy, window, moveS, pauseS, chunks }: ChunkRun<number>) {
    this.block = block;
    this.issuedBy = issuedBy;
    this.window = window;
    this.#moveS = moveS;
    this.#pauseS = pauseS;
    this.#chunks = chunks;
  }

  get chunks(): number {
    return this.#chunks;
  }

  get chunkS(): number {
    return this.#moveS / this.#chunks;
  }

  get leftS(): number {
    return this.#moveS + this.#pauseS;
  }

  endS(beforeS: number): number {
    return beforeS + this.#moveS + this.#pauseS;
  }

  lastsS(sharing: Sharing<number> | null): number {
    const { h2d, longerPauseS } = sharing ?? ALONE;
    return this.#moveS / h2d + this.#pausesS(longerPauseS);
  }

  moving({ h2d, collective, longerPauseS }: Sharing<number>, lastsS: number): number {
    return ((this.#moveS / h2d) * collective + this.#pausesS(longerPauseS)) / lastsS;
  }

  pass(seconds: number, _: Sharing<number> | null, lastsS: number): void {
    const keep = 1 - seconds / lastsS;
    this.#moveS *= keep;
    this.#pauseS *= keep;
    this.#chunks *= keep;
  }

  amounts(): number[] {
    return [this.#moveS, this.#pauseS, this.#chunks];
  }

  #pausesS(longerPauseS: number): number {
    return this.#pauseS + this.#chunks * longerPauseS;
  }
}

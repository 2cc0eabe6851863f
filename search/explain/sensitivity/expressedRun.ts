import type { ChunkRun, CopyRun, Sharing } from '../../../model/analytic/copyRun.ts';
import { constant, type Laurent } from './laurent.ts';
import type { Symbols } from './symbols.ts';

/** Seconds of copying, and of the collective beside it, in a second of both. */
interface Rates {
  copying: Laurent;
  moving: Laurent;
}

/**
 * A run of chunks in expressions. What is left of it stays a sum of seconds: as a share of bytes and pauses it would be a ratio of
 * sums, of which nothing cancels.
 */
export class ExpressedRun implements CopyRun<Laurent> {
  block: number;
  issuedBy: number;
  readonly window: number;
  readonly #symbols: Symbols;
  readonly #whole: ChunkRun<Laurent>;
  readonly #wholeS: Laurent;
  #leftS: Laurent;
  #beside: { sharing: Sharing<Laurent>; rates: Rates } | null = null;

  constructor(symbols: Symbols, whole: ChunkRun<Laurent>) {
    this.block = whole.block;
    this.issuedBy = whole.issuedBy;
    this.window = whole.window;
    this.#symbols = symbols;
    this.#whole = whole;
    this.#wholeS = whole.moveS.plus(whole.pauseS);
    this.#leftS = this.#wholeS;
  }

  get chunks(): number {
    return this.#whole.chunks * (this.#leftS.value / this.#wholeS.value);
  }

  get chunkS(): Laurent {
    return this.#whole.moveS.times(constant(1 / this.#whole.chunks));
  }

  get leftS(): Laurent {
    return this.#leftS;
  }

  endS(beforeS: Laurent): Laurent {
    return beforeS.plus(this.#leftS);
  }

  lastsS(sharing: Sharing<Laurent> | null): Laurent {
    return sharing === null ? this.#leftS : this.#leftS.times(this.#rates(sharing).copying.inverse());
  }

  moving(sharing: Sharing<Laurent>): Laurent {
    return this.#rates(sharing).moving;
  }

  pass(seconds: Laurent, sharing: Sharing<Laurent> | null): void {
    const copiedS = sharing === null ? seconds : this.#rates(sharing).copying.times(seconds);
    this.#leftS = this.#leftS.minus(copiedS);
  }

  amounts(): number[] {
    return [this.#leftS.value];
  }

  #rates(sharing: Sharing<Laurent>): Rates {
    if (this.#beside?.sharing !== sharing) this.#beside = { sharing, rates: this.#ratesBeside(sharing) };
    return this.#beside.rates;
  }

  /**
   * With a run's move of m seconds, pauses of p alone and P beside, and h and c what copies and the collective retain: copying
   * (m + p) / (m / h + P), moving (m c / h + P) / (m / h + P).
   */
  #ratesBeside({ h2d, collective, longerPauseS }: Sharing<Laurent>): Rates {
    const { moveS, chunks, pauseS } = this.#whole;
    const besideS = pauseS.plus(longerPauseS.times(constant(chunks)));
    if (besideS.value === 0) return { copying: constant(h2d), moving: constant(collective) };
    const movesS = moveS.times(constant(1 / h2d));
    const togetherS = this.#symbols.named('together', movesS.plus(besideS));
    const movingS = movesS.times(constant(collective)).plus(besideS);
    return {
      copying: this.#symbols.named('copying', this.#wholeS).times(togetherS.inverse()),
      moving: this.#symbols.named('moving', movingS).times(togetherS.inverse()),
    };
  }
}

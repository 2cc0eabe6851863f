/** Halvings of the range at the most, and the factor between the ends of what is left of it: a twentieth of a per cent of the answer. */
const HALVINGS = 24;
const FINEST = 1.0005;
/** Guesses before plain halving takes over. */
const GUESSES = 16;
/** By how much at least and at most the excess is taken to fall with the logarithm of the value. */
const SLOPE = { least: 0.5, most: 200 };

/** An excess that was asked for. */
interface Point {
  value: number;
  /** Logarithm of the value. */
  at: number;
  excess: number;
}

/**
 * The smallest value whose excess is not above 0, by bisection on a logarithmic scale; the lower end if even that satisfies, null if
 * not even the upper end does. The excess falls as the value rises: what is known of one value holds for all below or above it.
 *
 * Where the excess is nearly a line over the logarithm of the value, as logarithms of times are, lines through what is known guess
 * where the bisection will end, and few values remain to be asked for. The answer is the bisection's.
 *
 * @param start where the search begins: a value that is likely near.
 */
export function smallest(
  excessOf: (value: number) => number,
  low: number,
  high: number,
  start = Math.sqrt(low * high),
): number | null {
  const search = new Search(excessOf, low, high);
  if (!search.satisfies(high)) return null;
  search.approach(start);
  return search.satisfies(low) ? low : search.bisected((value) => search.satisfies(value)).above;
}

class Search {
  readonly #excessOf: (value: number) => number;
  readonly #low: number;
  readonly #high: number;
  /** The two largest values that are known not to satisfy, the larger one last. */
  #below: Point[] = [];
  /** The smallest value that is known to satisfy. */
  #above: Point | undefined;
  /** How many of the last guesses, before the very last, fell on the same side of the crossing as that one. */
  #repeats = 0;
  #lastSatisfied = true;

  constructor(excessOf: (value: number) => number, low: number, high: number) {
    this.#excessOf = excessOf;
    this.#low = low;
    this.#high = high;
  }

  satisfies(value: number): boolean {
    if (!this.#isOpen(value)) return value >= (this.#above?.value ?? Number.POSITIVE_INFINITY);
    const point = { value, at: Math.log(value), excess: this.#excessOf(value) };
    const satisfied = point.excess <= 0;
    if (satisfied) this.#above = point;
    else this.#below = [...this.#below.slice(-1), point];
    this.#repeats = satisfied === this.#lastSatisfied ? this.#repeats + 1 : 0;
    this.#lastSatisfied = satisfied;
    return satisfied;
  }

  /** Asks at the bisection's values on both sides of guessed crossings, until a guess is known to be right. */
  approach(start: number): void {
    let guess = start;
    for (let count = 0; count < GUESSES; count += 1) {
      const { below, above } = this.bisected((value) => value >= guess);
      // A value beyond the crossing, seen from the nearer one that is known, leaves little in between.
      const ends = this.#isNearerBelow(Math.log(guess)) ? [above, below] : [below, above];
      const open = ends.find((value) => this.#isOpen(value));
      if (open === undefined) return;
      this.satisfies(open);
      guess = Math.exp(this.#crossing());
    }
  }

  bisected(satisfies: (value: number) => boolean): { below: number; above: number } {
    let below = this.#low;
    let above = this.#high;
    for (let step = 0; step < HALVINGS && above / below > FINEST; step += 1) {
      const middle = Math.sqrt(below * above);
      if (satisfies(middle)) above = middle;
      else below = middle;
    }
    return { below, above };
  }

  /** Whether nothing that is known says if a value satisfies. */
  #isOpen(value: number): boolean {
    const largest = this.#below.at(-1)?.value ?? 0;
    return value > largest && value < (this.#above?.value ?? Number.POSITIVE_INFINITY);
  }

  #isNearerBelow(at: number): boolean {
    return at - (this.#below.at(-1)?.at ?? Math.log(this.#low)) < this.#above!.at - at;
  }

  /** Where a line through what is known crosses 0; its logarithm. */
  #crossing(): number {
    const above = this.#above!;
    const [before, last] = this.#below.length > 1 ? this.#below : [undefined, this.#below[0]];
    if (last === undefined) return above.at + above.excess;
    if (above.value === this.#high) {
      const slope = before === undefined ? 1 : (before.excess - last.excess) / (last.at - before.at);
      const ahead = last.at + last.excess / Math.min(SLOPE.most, Math.max(SLOPE.least, slope));
      if (ahead < above.at) return ahead;
    }
    // The side that stays counts half as much each time, so that the other does not creep along a bend.
    const weight = 0.5 ** this.#repeats;
    const belowExcess = last.excess * (this.#lastSatisfied ? weight : 1);
    const aboveExcess = above.excess * (this.#lastSatisfied ? 1 : weight);
    return last.at + ((above.at - last.at) * belowExcess) / (belowExcess - aboveExcess);
  }
}

/**
 * Vector clocks, a row each: per stream the place behind its latest operation that is done, 0 for none.
 *
 * Rows are closed: with an operation they hold all that its own clock holds, and all before it in its stream. So a row that holds an
 * operation need not be raised to that operation's clock.
 */
export class ClockRows {
  readonly #width: number;
  readonly #values: Int32Array;
  /** By row: stream and place of one operation that has this clock. */
  readonly #stream: Int32Array;
  readonly #place: Int32Array;
  #rows = 0;

  /**
   * @param width the number of streams.
   * @param rows most that are ever added.
   */
  constructor(width: number, rows: number) {
    this.#width = width;
    this.#values = new Int32Array(rows * width);
    this.#stream = new Int32Array(rows);
    this.#place = new Int32Array(rows);
  }

  at(row: number, stream: number): number {
    return this.#values[row * this.#width + stream]!;
  }

  /** Adds a row of zeros, the clock of the operation at a place of a stream. */
  add(stream: number, place: number): number {
    const row = this.#rows++;
    this.#stream[row] = stream;
    this.#place[row] = place;
    return row;
  }

  /** Raises a row to another one where it is behind. */
  raise(row: number, other: number): void {
    const values = this.#values;
    const width = this.#width;
    const own = row * width;
    if (values[own + this.#stream[other]!]! > this.#place[other]!) return;
    const from = other * width;
    for (let stream = 0; stream < width; stream += 1) {
      const seen = values[from + stream]!;
      if (seen > values[own + stream]!) values[own + stream] = seen;
    }
  }

  raiseTo(row: number, stream: number, place: number): void {
    const at = row * this.#width + stream;
    if (place > this.#values[at]!) this.#values[at] = place;
  }
}

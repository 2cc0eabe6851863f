/** Numbers of a block, 512 KB. */
const BLOCK = 65_536;

/**
 * A list of numbers that grows at 8 bytes for each: a plain list is copied as it grows, and its copies are garbage that
 * lies about for long.
 */
export class NumberColumn {
  readonly #blocks: Float64Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    const at = this.#length % BLOCK;
    // A first block of its full size would be most of what short columns take.
    if (at === 0) this.#blocks.push(new Float64Array(this.#length === 0 ? 64 : BLOCK));
    const last = this.#blocks.length - 1;
    if (at === this.#blocks[last]!.length) {
      const grown = new Float64Array(Math.min(BLOCK, 4 * at));
      grown.set(this.#blocks[last]!);
      this.#blocks[last] = grown;
    }
    this.#blocks[last]![at] = value;
    this.#length += 1;
  }

  /** A copy of them all. */
  values(): number[] {
    const values: number[] = [];
    for (const block of this.#blocks) for (const value of block) values.push(value);
    values.length = this.#length;
    return values;
  }
}

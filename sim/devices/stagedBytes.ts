import { missedShare } from '../../model/physics/stagedReads.ts';

/** Where bytes are staged: by host memory, how many so far, and by the copy that writes a piece, how many there were before it. */
export class StagedBytes {
  readonly #cacheBytes: number;
  readonly #written: number[] = [];
  readonly #before = new Map<number, { memory: number; bytes: number }>();

  /** @param cacheBytes of the CPU's cache that staged bytes find, above 0. */
  constructor(cacheBytes: number) {
    this.#cacheBytes = cacheBytes;
  }

  /** A copy begins to write a piece. @param underWay bytes that unfinished copies to the same memory have written. */
  begin(copy: number, memory: number, underWay: number): void {
    this.#before.set(copy, { memory, bytes: this.#sum(memory) + underWay });
  }

  /** Bytes have landed. */
  add(memory: number, bytes: number): void {
    this.#written[memory] = this.#sum(memory) + bytes;
  }

  /**
   * The share of a piece that its reader gets from memory rather than from the cache.
   *
   * @param copy that wrote the piece.
   * @param underWay of a memory, as for `begin`.
   */
  missed(copy: number, underWay: (memory: number) => number): number {
    const { memory, bytes } = this.#before.get(copy)!;
    return missedShare(this.#sum(memory) + underWay(memory) - bytes, this.#cacheBytes);
  }

  #sum(memory: number): number {
    return this.#written[memory] ?? 0;
  }
}

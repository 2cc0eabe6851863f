import { growFloat64 } from './grow.ts';

/** Slots a block; a change costs one pass over a block, a query one pass over the blocks' minima. */
const BLOCK_BITS = 4;
const BLOCK = 1 << BLOCK_BITS;

/**
 * When each of a set of slots finishes, and which is first.
 *
 * Each slot has a finish time and a ripe time, a hair earlier, from which on it may finish together with others. Kept
 * as minima over blocks of slots that are brought up to date when read: below some thousand slots this beats a heap,
 * for one event moves many finish times.
 */
export class FinishTimes {
  private finish: Float64Array = new Float64Array(BLOCK).fill(Number.POSITIVE_INFINITY);
  private ripe: Float64Array = new Float64Array(BLOCK).fill(Number.POSITIVE_INFINITY);
  private blockFinish: Float64Array = new Float64Array(1).fill(Number.POSITIVE_INFINITY);
  private blockRipe: Float64Array = new Float64Array(1).fill(Number.POSITIVE_INFINITY);
  private stale: Uint8Array = new Uint8Array(1);

  /** Makes room for slots 0 .. count - 1. */
  reserve(count: number): void {
    const before = this.finish.length;
    if (count <= before) return;
    this.finish = growFloat64(this.finish, count + BLOCK - (count % BLOCK)).fill(
      Number.POSITIVE_INFINITY,
      before,
    );
    const room = this.finish.length;
    this.ripe = growFloat64(this.ripe, room).fill(Number.POSITIVE_INFINITY, before);
    const blocks = room >> BLOCK_BITS;
    this.blockFinish = new Float64Array(blocks);
    this.blockRipe = new Float64Array(blocks);
    this.stale = new Uint8Array(blocks).fill(1);
  }

  /** Sets both times of a slot; Infinity takes it out. */
  set(slot: number, finish: number, ripe: number): void {
    this.finish[slot] = finish;
    this.ripe[slot] = ripe;
    this.stale[slot >> BLOCK_BITS] = 1;
  }

  /** The earliest finish time, Infinity if there is none. */
  earliest(): number {
    const { blockFinish, stale } = this;
    let earliest = Number.POSITIVE_INFINITY;
    for (let block = 0; block < blockFinish.length; block++) {
      if (stale[block] !== 0) this.refresh(block);
      const finish = blockFinish[block]!;
      if (finish < earliest) earliest = finish;
    }
    return earliest;
  }

  /** Writes the slots that are ripe at `now` to `into`, in slot order; returns how many there are. */
  collectRipe(now: number, into: Int32Array): number {
    const { ripe, blockRipe, stale } = this;
    let count = 0;
    for (let block = 0; block < blockRipe.length; block++) {
      if (stale[block] !== 0) this.refresh(block);
      if (blockRipe[block]! > now) continue;
      const end = (block + 1) << BLOCK_BITS;
      for (let slot = block << BLOCK_BITS; slot < end; slot++) if (ripe[slot]! <= now) into[count++] = slot;
    }
    return count;
  }

  private refresh(block: number): void {
    const { finish, ripe } = this;
    let leastFinish = Number.POSITIVE_INFINITY;
    let leastRipe = Number.POSITIVE_INFINITY;
    const end = (block + 1) << BLOCK_BITS;
    for (let slot = block << BLOCK_BITS; slot < end; slot++) {
      const f = finish[slot]!;
      const r = ripe[slot]!;
      if (f < leastFinish) leastFinish = f;
      if (r < leastRipe) leastRipe = r;
    }
    this.blockFinish[block] = leastFinish;
    this.blockRipe[block] = leastRipe;
    this.stale[block] = 0;
  }
}

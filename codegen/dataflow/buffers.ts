/** A tensor that lives in a rank's activation memory for part of a block. */
export interface Buffer {
  name: string;
  bytes: number;
  /** What it holds, for readers: `[8190, 15360]`. */
  shape: string;
  /** First and last call of the block that touch it; residuals live for ever. */
  from: number;
  to: number;
}

export interface PlacedBuffer extends Buffer {
  offset: number;
}

const ALIGNMENT = 256;

/**
 * Places buffers in one piece of memory so that those alive at the same time do not overlap: largest first, each at the
 * lowest offset that is free for its whole life.
 *
 * @param start bytes at the front that are taken for good (the residual stream).
 */
export function placeBuffers(
  buffers: readonly Buffer[],
  start: number,
): { placed: PlacedBuffer[]; bytes: number } {
  const placed: PlacedBuffer[] = [];
  const order = buffers.map((buffer, index) => ({ buffer, index }));
  order.sort((a, b) => b.buffer.bytes - a.buffer.bytes || a.index - b.index);
  for (const { buffer } of order) {
    const alive = placed
      .filter((other) => other.from <= buffer.to && buffer.from <= other.to)
      .sort((a, b) => a.offset - b.offset);
    let offset = aligned(start);
    for (const other of alive) {
      if (offset + buffer.bytes <= other.offset) break;
      offset = Math.max(offset, aligned(other.offset + other.bytes));
    }
    placed.push({ ...buffer, offset });
  }
  const ends = placed.map(({ offset, bytes }) => offset + bytes);
  const names = buffers.map(({ name }) => name);
  placed.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
  return { placed, bytes: aligned(Math.max(start, ...ends)) };
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

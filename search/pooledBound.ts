import type { Workload } from '../model/workload/workload.ts';
import type { HidingRoom } from './hidingRoom.ts';
import type { WeightRoom } from './streamProgram.ts';

/**
 * Bytes of a pass that must be streamed with `slots` buffers in so much memory, whatever is kept where: residents have what the
 * buffers leave, and buffers are as large as the largest streamed part.
 *
 * With buffers of s bytes, at least sum(B) - (memory - slots x s) is streamed, and at most sum(min(B, s)) can be. The least s
 * for which the second is no less than the first is the best.
 *
 * @returns null where no size of buffers works.
 */
export function leastStreamedBytes(
  { blocks, experts }: Workload,
  { gpuBytes }: WeightRoom,
  slots: number,
): number | null {
  const sizes = blocks.map(({ weightBytes }) => weightBytes);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  if (gpuBytes >= experts * all) return 0;
  const least = (buffer: number) => all - (gpuBytes - slots * buffer) / experts;
  const spare = (buffer: number) =>
    sizes.reduce((sum, size) => sum + Math.min(size, buffer), 0) - least(buffer);
  // Linear between the blocks' sizes, so it is first enough between two of them.
  let below = 0;
  for (const buffer of [...new Set(sizes)].sort((a, b) => a - b)) {
    if (spare(buffer) >= 0) {
      const [low, high] = [spare(below), spare(buffer)];
      const at = low >= 0 ? below : below + ((buffer - below) * -low) / (high - low);
      return Math.max(0, least(at));
    }
    below = buffer;
  }
  return null;
}

/** Seconds of a pass that streams so many bytes, if all rooms were one: no order of blocks does better. */
export function pooledPassS(
  rooms: readonly HidingRoom[],
  streamedBytes: number,
  h2dBytesPerS: number,
): number {
  let left = streamedBytes / h2dBytesPerS;
  let seconds = 0;
  for (const { aloneS, freeS } of rooms) {
    seconds += aloneS;
    left -= freeS;
  }
  const besides = rooms.flatMap(({ beside }) => beside).sort((a, b) => a.costPerS - b.costPerS);
  for (const { roomS, costPerS } of besides) {
    if (left <= 0) break;
    const taken = Math.min(left, roomS);
    seconds += taken * costPerS;
    left -= taken;
  }
  return seconds + Math.max(0, left);
}

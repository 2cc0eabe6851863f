import type { SegmentClass } from '../dit/kinds.ts';
import { windowsOf } from '../plan/windows.ts';
import type { AttentionTiles, Gpu } from '../system/system.ts';
import { type AttentionShape, type BlockKind, type ComputeSegment, computeIn } from '../workload/workload.ts';
import { slowdown } from './power.ts';
import { relativeRate } from './relativeRate.ts';

type Work = Omit<ComputeSegment, 'kind' | 'name'>;

/**
 * Seconds that a compute segment takes at the highest clock: the slower of arithmetic and device memory at the
 * class's efficiency, plus what each kernel costs beyond its work, and never less than its kernels' launch floor.
 *
 *   max(kernels x overhead + max(FLOPs / (efficiency x peak), bytes / (efficiency of elementwise x memory rate)),
 *       kernels x floor)
 *
 * Attention is cut into tiles of rows of Q and worked off in waves of one tile per multiprocessor, so its arithmetic
 * takes as long as that of all places in its waves, whether they are filled or not.
 *
 * Efficiency and peak are those of bf16; other dtypes and named attention kernels have theirs as a factor on both.
 *
 * Compute that was measured takes what was measured, on a machine that was said to be slower by a factor that much longer.
 *
 * @example segmentTimeS({ class: 'gemm', flops: 6e11, bytes: 0, kernels: 1, ... }, gpu) // 1e-3 at 600 TFLOP/s
 */
export function segmentTimeS(segment: Work, gpu: Gpu): number {
  if (segment.seconds !== undefined) return segment.seconds / gpu.computeSpeed;
  const arithmeticS = segment.class === 'elementwise' ? 0 : arithmeticTimeS(segment, gpu);
  const traffic = segment.kernel === undefined ? 1 : gpu.traffic[segment.kernel];
  const memoryS = (segment.bytes * traffic) / (gpu.efficiency.elementwise * gpu.hbmBytesPerS);
  const workS = segment.kernels * gpu.kernelOverheadS[segment.class] + Math.max(arithmeticS, memoryS);
  return Math.max(workS, segment.kernels * gpu.launchFloorS);
}

function arithmeticTimeS(work: Work, gpu: Gpu): number {
  const { class: of, flops, attention } = work;
  const usualS = flops / (gpu.efficiency[of] * gpu.peakFlops * relativeRate(work, gpu).rate);
  const tiles = gpu.attentionTiles;
  if (tiles === null || attention === undefined) return usualS;
  const { queryRows, keyRows, heads } = attention;
  const waves = wavesOf(attention, tiles);
  const places = waves * tiles.multiprocessors * tiles.rows;
  const isWhole = queryRows % tiles.rows === 0 && keyRows % tiles.rows === 0;
  const workS = (usualS * places) / (queryRows * heads) / (isWhole ? 1 : tiles.ragged);
  return workS + waves * tiles.overheadS;
}

function tilesOf({ queryRows, heads }: AttentionShape, { rows }: AttentionTiles): number {
  return Math.ceil(queryRows / rows) * heads;
}

function wavesOf(attention: AttentionShape, tiles: AttentionTiles): number {
  return Math.ceil(tilesOf(attention, tiles) / tiles.multiprocessors);
}

/**
 * Seconds at the highest clock from a segment's start until a kernel of another stream finds room beside it. Attention
 * keeps every multiprocessor for itself until its last wave, which leaves some of them free; nothing else keeps any.
 */
export function noRoomS(segment: Work, gpu: Gpu): number {
  const tiles = gpu.attentionTiles;
  if (tiles === null || segment.attention === undefined) return 0;
  const waves = wavesOf(segment.attention, tiles);
  const fillsLastWave = tilesOf(segment.attention, tiles) % tiles.multiprocessors === 0;
  const seconds = segmentTimeS(segment, gpu);
  return fillsLastWave ? seconds : (seconds * (waves - 1)) / waves;
}

/** Factor on the time of a class's work at a clock, a fraction of the highest; 1 where nothing is known of power. */
export function slowdownOf(gpu: Gpu, of: SegmentClass, clock: number): number {
  return gpu.power === null ? 1 : slowdown(gpu.power, of, clock);
}

/** One part of a block's compute. */
export interface PartTime {
  class: SegmentClass;
  /** At the highest clock. */
  seconds: number;
  /** Hiding window that it is in. */
  window: number;
}

const known = new WeakMap<Gpu, WeakMap<BlockKind, readonly PartTime[]>>();

/**
 * The parts of a block's compute in their order, worked out once for a kind of block on a GPU: a step has dozens of blocks of a kind, and
 * is asked for at many clocks. Collectives that run beside compute end no window.
 */
export function partTimes(block: BlockKind, gpu: Gpu): readonly PartTime[] {
  const onGpu = known.get(gpu) ?? new WeakMap<BlockKind, readonly PartTime[]>();
  known.set(gpu, onGpu);
  let parts = onGpu.get(block);
  if (parts === undefined) {
    let window = 0;
    parts = block.segments.flatMap((segment) => {
      if (segment.kind === 'collective') window += 1;
      return computeIn(segment).map((part) => ({
        ...{ class: part.class, seconds: segmentTimeS(part, gpu), window },
      }));
    });
    onGpu.set(block, parts);
  }
  return parts;
}

/** Seconds of compute of one block at a clock. */
export function blockComputeS(block: BlockKind, gpu: Gpu, clock = 1): number {
  return windowTimesS(block, gpu, clock).reduce((sum, window) => sum + window, 0);
}

/**
 * Seconds of each hiding window of a block at a clock: the compute before its first collective,
 * between the first and the second, and so on; one more than it has collectives. A window may be empty. Collectives that run
 * beside compute end no window, and take none of its seconds.
 */
export function windowTimesS(block: BlockKind, gpu: Gpu, clock = 1): number[] {
  const windows = Array<number>(windowsOf(block)).fill(0);
  for (const { class: of, seconds, window } of partTimes(block, gpu))
    windows[window]! += seconds * slowdownOf(gpu, of, clock);
  return windows;
}

import type { Gpu } from '../system/system.ts';
import type { BlockKind, ComputeSegment } from '../workload/workload.ts';

/**
 * Seconds that a compute segment takes at the highest clock: the slower of arithmetic and device memory at the
 * class's efficiency, plus what each kernel costs beyond its work, and never less than its kernels' launch floor.
 *
 *   max(kernels x overhead + max(FLOPs / (efficiency x peak), bytes / (efficiency of elementwise x memory rate)),
 *       kernels x floor)
 *
 * @example segmentTimeS({ class: 'gemm', flops: 6e11, bytes: 0, kernels: 1, ... }, gpu) // 1e-3 at 600 TFLOP/s
 */
export function segmentTimeS(segment: Omit<ComputeSegment, 'kind' | 'name'>, gpu: Gpu): number {
  const arithmeticS =
    segment.class === 'elementwise' ? 0 : segment.flops / (gpu.efficiency[segment.class] * gpu.peakFlops);
  const memoryS = segment.bytes / (gpu.efficiency.elementwise * gpu.hbmBytesPerS);
  const workS = segment.kernels * gpu.kernelOverheadS[segment.class] + Math.max(arithmeticS, memoryS);
  return Math.max(workS, segment.kernels * gpu.launchFloorS);
}

/** Seconds of compute of one block at the highest clock. */
export function blockComputeS(block: BlockKind, gpu: Gpu): number {
  return windowTimesS(block, gpu).reduce((sum, window) => sum + window, 0);
}

/**
 * Seconds of each hiding window of a block at the highest clock: the compute before its first collective,
 * between the first and the second, and so on; one more than it has collectives. A window may be empty.
 */
export function windowTimesS(block: BlockKind, gpu: Gpu): number[] {
  const windows = [0];
  for (const segment of block.segments) {
    if (segment.kind === 'collective') windows.push(0);
    else windows[windows.length - 1]! += segmentTimeS(segment, gpu);
  }
  return windows;
}

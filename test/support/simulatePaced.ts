import { noRoomS, segmentTimeS, slowdownOf } from '../../model/physics/compute.ts';
import { ProgramBuilder } from '../../model/program/programBuilder.ts';
import type { System } from '../../model/system/system.ts';
import type { ComputeSegment } from '../../model/workload/workload.ts';
import { Engine } from '../../sim/engine.ts';

/** Copies to the device with a pause after each, as a calibration makes them beside a segment. */
export interface PacedCopies {
  chunkBytes: number;
  chunks: number;
  paceS: number;
}

/**
 * Seconds from one of these copies to the next, on average, while a segment runs over and over at a clock.
 *
 * @param clock a fraction of the highest.
 */
export function simulatePaced(
  system: System,
  segment: ComputeSegment,
  clock: number,
  { chunkBytes, chunks, paceS }: PacedCopies,
): number {
  const { gpu } = system;
  const builder = new ProgramBuilder();
  const durationS = segmentTimeS(segment, gpu);
  const { class: of, flops, bytes } = segment;
  const secondsOf = { gemm: 0, attention: 0, elementwise: 0, [of]: durationS };
  const run = () =>
    builder.add({
      ...{ kind: 'compute', rank: 0, stream: 'compute', position: 0, label: segment.name },
      ...{ class: of, flops, bytes, durationS, secondsOf, noRoomS: noRoomS(segment, gpu) },
    });
  const first = run();
  const copy = builder.add({
    ...{ kind: 'copy', role: 'prefetch', rank: 0, stream: 'copy', position: 0, label: 'chunks' },
    ...{ direction: 'h2d', bytes: chunks * chunkBytes, chunkBytes, paceS },
    ...{ pausedByHost: false, sourceBytesPerS: Number.POSITIVE_INFINITY },
    ...{ target: null, group: -1, source: -1, phase: 0 },
  });
  builder.wait(copy, first);
  // A pause may wait for the rest of a run.
  const runS = durationS * slowdownOf(gpu, of, clock);
  const longestS = chunks * (paceS + runS + (2 * chunkBytes) / gpu.copyEngine.h2dBytesPerS);
  for (let index = 0; index * runS < longestS; index += 1) run();
  const program = builder.finish({
    ...{ ranks: 1, groupSize: 1, blocks: [], blocksPerPass: 0 },
    ...{ slots: 0, slotBytes: 0, streamedPerStep: 0 },
  });
  const step = new Engine(program, system, { clock }).run({ exactSteps: 1, fromStart: true });
  return (step.endOf(copy) - step.endOf(first)) / chunks;
}

import { segmentTimeS } from '../roofline/segmentTime.ts';
import type { Gpu } from '../system/system.ts';
import type { BlockKind, CollectiveSegment, ComputeSegment } from '../workload/workload.ts';

/** `segments`: every compute segment is an operation; `windows`: all compute between two collectives is one. */
export type Detail = 'segments' | 'windows';

/** Something that a block does in order, compute with its seconds at the highest clock. */
export type Stage = (Omit<ComputeSegment, 'kernels'> & { durationS: number }) | CollectiveSegment;

/** What a block runs, timed for a GPU. */
export function stagesOf(block: BlockKind, gpu: Gpu, detail: Detail): Stage[] {
  const stages: Stage[] = [];
  for (const segment of block.segments) {
    if (segment.kind === 'collective') {
      stages.push(segment);
      continue;
    }
    const last = stages.at(-1);
    const durationS = segmentTimeS(segment, gpu);
    if (detail === 'windows' && last?.kind === 'compute') {
      last.durationS += durationS;
      last.flops += segment.flops;
      last.bytes += segment.bytes;
      last.name = 'window';
    } else stages.push({ ...segment, durationS });
  }
  return stages;
}

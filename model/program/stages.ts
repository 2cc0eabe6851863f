import type { SegmentClass } from '../dit/kinds.ts';
import { noRoomS, segmentTimeS } from '../physics/compute.ts';
import type { Gpu } from '../system/system.ts';
import type {
  BlockKind,
  CollectiveSegment,
  ComputeSegment,
  OverlappedSegment,
} from '../workload/workload.ts';

/** `segments`: every compute segment is an operation; `windows`: all compute between two collectives is one. */
export type Detail = 'segments' | 'windows';

/** Something that a block does in order, compute with its seconds at the highest clock. */
export type Stage = ComputeStage | CollectiveSegment | OverlappedStage;

export interface ComputeStage extends Omit<ComputeSegment, 'kernels' | 'attention'> {
  durationS: number;
  secondsOf: Record<SegmentClass, number>;
  /** Nobody asks it of a window: plans whose copies wait for room are lowered by segments. */
  noRoomS: number;
}

/** Compute with a collective beside it. */
export interface OverlappedStage extends Omit<OverlappedSegment, 'compute'> {
  compute: readonly ComputeStage[];
}

/** What a block runs, timed for a GPU. */
export function stagesOf(block: BlockKind, gpu: Gpu, detail: Detail): Stage[] {
  const stages: Stage[] = [];
  for (const segment of block.segments) {
    if (segment.kind === 'compute') addCompute(stages, segment, gpu, detail);
    else if (segment.kind === 'collective') stages.push(segment);
    else {
      const compute: ComputeStage[] = [];
      for (const part of segment.compute) addCompute(compute, part, gpu, detail);
      stages.push({ ...segment, compute });
    }
  }
  return stages;
}

/** Adds a segment behind others, or to the last of them where all compute between two collectives is one. */
function addCompute(
  stages: (Stage | ComputeStage)[],
  segment: ComputeSegment,
  gpu: Gpu,
  detail: Detail,
): void {
  const last = stages.at(-1);
  const durationS = segmentTimeS(segment, gpu);
  if (detail === 'windows' && last?.kind === 'compute') {
    last.durationS += durationS;
    last.secondsOf[segment.class] += durationS;
    last.flops += segment.flops;
    last.bytes += segment.bytes;
    last.name = 'window';
    last.noRoomS = 0;
  } else {
    const { kind, name, class: of, flops, bytes } = segment;
    const secondsOf = { gemm: 0, attention: 0, elementwise: 0, [of]: durationS };
    stages.push({
      ...{ kind, name, class: of, flops, bytes, durationS, secondsOf },
      noRoomS: noRoomS(segment, gpu),
    });
  }
}

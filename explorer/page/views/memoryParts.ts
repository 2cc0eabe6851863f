import type { PlanReport } from '../../../documents/planReport.ts';
import type { Prediction } from '../../../documents/prediction.ts';

/** What GPU memory holds. */
export const MEMORY_PARTS = [
  { kind: 'blocks', name: 'block weights and their buffers' },
  { kind: 'outside', name: 'other weights' },
  { kind: 'activations', name: 'activations' },
  { kind: 'collective-buffers', name: "collectives' buffers" },
  { kind: 'process', name: 'context, libraries, transport' },
] as const;

export type MemoryPart = (typeof MEMORY_PARTS)[number]['kind'];

/**
 * Bytes of each part; together the peak. What the process and the transport take is what no offload has beside all weights; a plan over
 * another transport than no offload's has that transport's difference among its blocks.
 */
export function memoryParts(
  report: PlanReport,
  { workload, plans }: Prediction,
): Readonly<Record<MemoryPart, number>> {
  const { outsideBytes, activationBytes, collectiveBufferBytes, weightBytes } = workload;
  const none = plans.at(-1)!;
  const experts = workload.from === 'model' ? workload.experts : 1;
  const listed = outsideBytes + activationBytes + collectiveBufferBytes;
  const process = Math.max(0, none.gpuPeakBytes - listed - experts * weightBytes);
  return {
    blocks: Math.max(0, report.gpuPeakBytes - listed - process),
    outside: outsideBytes,
    activations: activationBytes,
    'collective-buffers': collectiveBufferBytes,
    process,
  };
}

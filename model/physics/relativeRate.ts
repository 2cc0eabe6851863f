import { attentionRate, gemmRate } from '../system/computeRates.ts';
import type { Gpu, RelativeRate } from '../system/system.ts';
import type { ComputeSegment } from '../workload/workload.ts';

const AS_BF16: RelativeRate = { peak: 1, rate: 1 };

/**
 * Peak and rate of a segment's arithmetic, as factors on its class's in bf16.
 *
 * @throws UserError for a dtype or an attention kernel that the GPU has no numbers of.
 */
export function relativeRate(
  { dtype, attentionKernel }: Pick<ComputeSegment, 'dtype' | 'attentionKernel'>,
  gpu: Pick<Gpu, 'name' | 'compute'>,
): RelativeRate {
  if (dtype !== undefined) return gemmRate(gpu, dtype);
  return attentionKernel === undefined ? AS_BF16 : attentionRate(gpu, attentionKernel);
}

import type { ComputeDtype } from '../../../model/dit/kinds.ts';
import type { CardFile } from '../../../model/system/cards/cardFormat.ts';
import { architectureOf, readCard } from '../../../model/system/cards/cards.ts';
import { bf16Of } from '../../../model/system/computeRates.ts';
import type { BoundWorkload } from '../../../model/workload/workload.ts';
import { cardIdOf } from './recordMachine.ts';
import type { StepRecord } from './stepFormat.ts';

/** Seconds that the arithmetic of a step takes on a record's card at the dense peak of what each kernel multiplies in, at the rated clock. */
export function leastTimeS({ card: name }: StepRecord, { blocks, passes }: BoundWorkload): number {
  const card = readCard(cardIdOf(name!));
  const kernels = { ...architectureOf(card).attentionKernels, ...card.attentionKernels };
  const seconds = blocks
    .flatMap(({ segments }) => segments)
    .reduce((sum, segment) => {
      if (segment.kind !== 'compute') return sum;
      const { attentionKernel, dtype = 'bf16' } = segment;
      const multiplies = attentionKernel === undefined ? dtype : (kernels[attentionKernel]?.dtype ?? 'bf16');
      return sum + segment.flops / peakOf(card, multiplies);
    }, 0);
  return passes * seconds;
}

function peakOf({ peak }: CardFile, dtype: ComputeDtype): number {
  const own = 'bf16' in peak ? peak[dtype] : undefined;
  return (own ?? bf16Of(peak)).value;
}

/**
 * Factor on the peak of the rated clock that a card may reach: cards run above it as long as power allows. By the best published
 * products, the upper end of its efficiency's interval.
 */
export function aboveRatedClock(name: NonNullable<StepRecord['card']>): number {
  const { efficiency } = readCard(cardIdOf(name));
  if (efficiency?.gemm === undefined) return 1;
  const [, high = 1] = bf16Of(efficiency.gemm).interval ?? [];
  return Math.max(1, high);
}

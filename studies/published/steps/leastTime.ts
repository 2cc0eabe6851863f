import type { ComputeDtype } from '../../../model/dit/kinds.ts';
import type { CardFile } from '../../../model/system/cards/cardFormat.ts';
import { architectureOf, readCard } from '../../../model/system/cards/cards.ts';
import { bf16Of } from '../../../model/system/computeRates.ts';
import type { BoundWorkload } from '../../../model/workload/workload.ts';
import { cardIdOf } from './recordMachine.ts';
import type { StepRecord } from './stepFormat.ts';

/**
 * Seconds below which no step of a workload can be on a record's card: its arithmetic at the dense peak of what each kernel multiplies in.
 * A peak is one at the rated clock, which cards exceed by what the best published products do: the upper end of their efficiency's interval.
 */
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
  return (passes * seconds) / aboveRatedClock(card);
}

function peakOf({ peak }: CardFile, dtype: ComputeDtype): number {
  const own = 'bf16' in peak ? peak[dtype] : undefined;
  return (own ?? bf16Of(peak)).value;
}

function aboveRatedClock({ efficiency }: CardFile): number {
  if (efficiency?.gemm === undefined) return 1;
  const [, high = 1] = bf16Of(efficiency.gemm).interval ?? [];
  return Math.max(1, high);
}

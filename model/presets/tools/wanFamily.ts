import type { Dit, DitSegment } from '../../dit/dit.ts';
import type { Workload } from '../../workload/workload.ts';

/**
 * Whether a model is one of the Wan family, by what its blocks are: self-attention over the video, then cross-attention to text;
 * six vectors of modulation that are a table of each block and no matrix of it; patches of one latent frame and 2 x 2. Names of
 * models and files say nothing of that.
 */
export function isWan({ blocks, patch, modality, hidden }: Dit): boolean {
  if (modality !== 'video' || patch.t !== 1 || patch.h !== 2 || patch.w !== 2) return false;
  return blocks.every(({ segments }) => {
    const attentions = segments.flatMap((segment) => (segment.kind === 'attention' ? [segment] : []));
    const [self, ...cross] = attentions;
    return (
      self !== undefined &&
      self.q === 'x' &&
      self.kv === 'x' &&
      cross.length > 0 &&
      cross.every(({ q, kv }) => q === 'x' && kv !== 'x') &&
      segments.some((segment) => holdsTable(segment, 6 * hidden)) &&
      !segments.some((segment) => segment.kind === 'gemm' && segment.op === 'modulation')
    );
  });
}

/** Why blocks are not known to be Wan's; null where they are. */
export function notWan(workload: Workload): string | null {
  if (workload.from === 'profile') return 'a profile does not say of which family its blocks are';
  return isWan(workload.model) ? null : `the blocks of ${workload.model.id} are others`;
}

function holdsTable(segment: DitSegment, parameters: number): boolean {
  return 'tensors' in segment && segment.tensors.some((tensor) => tensor.parameters === parameters);
}

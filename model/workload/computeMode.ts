import type { AttentionKernel, ComputeDtype } from '../dit/kinds.ts';
import type { ComputeSegment } from './workload.ts';

/** How kernels are made and launched: fused by a compiler or by hand, or one for each operator, as PyTorch does by itself. */
export const LAUNCH_MODES = ['compiled', 'eager'] as const;
export type LaunchMode = (typeof LAUNCH_MODES)[number];

/** How a workload is computed: part of the work, whatever the machine. Storage of weights is another thing: it decides their bytes. */
export interface ComputeMode {
  /** Of matrix products. Attention has its kernel's; activations are stored in bf16. */
  dtype: ComputeDtype;
  /** Null for the one that the machine's efficiency of attention is of. */
  attention: AttentionKernel | null;
  launch: LaunchMode;
}

export const USUAL_COMPUTE: ComputeMode = { dtype: 'bf16', attention: null, launch: 'compiled' };

/** Whether a mode is the usual one, which documents leave out. */
export function isUsual({ dtype, attention, launch }: ComputeMode): boolean {
  return (
    dtype === USUAL_COMPUTE.dtype && attention === USUAL_COMPUTE.attention && launch === USUAL_COMPUTE.launch
  );
}

/**
 * Launches of eager code for each kernel that a workload counts, and bytes of device memory for each byte.
 *
 * Counted on the blocks of FLUX.1-dev and Wan2.1-14B of diffusers 0.42.1 by `scripts/eager-kernels.py`, and divided by what a workload
 * counts of them: in a step of FLUX 3,097 elementwise kernels for 380 and 5.5 times the bytes, in a block of Wan 77 for 10 and 6.0.
 * Norms, modulation and rotary embedding are many kernels, some in F32. A product for each of Q, K and V and those of the
 * modulation make 14 of 9, 6 of 3 and 10 of 7.
 */
const EAGER = {
  gemm: { kernels: 1.5, bytes: 1 },
  attention: { kernels: 1, bytes: 1 },
  elementwise: { kernels: 8, bytes: 5.5 },
} as const;

/** A segment of fused bf16 kernels, computed in a mode. */
export function computedIn(
  { dtype, attention, launch }: ComputeMode,
  segment: ComputeSegment,
): ComputeSegment {
  const eager = EAGER[segment.class];
  return {
    ...segment,
    ...(launch === 'eager' && {
      kernels: segment.kernels * eager.kernels,
      bytes: segment.bytes * eager.bytes,
    }),
    ...(segment.class === 'gemm' && dtype !== 'bf16' && { dtype }),
    ...(segment.class === 'attention' && attention !== null && { attentionKernel: attention }),
  };
}

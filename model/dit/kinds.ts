/** What limits a compute segment, and so which fitted efficiency applies to it. */
export const SEGMENT_CLASSES = ['gemm', 'attention', 'elementwise'] as const;
export type SegmentClass = (typeof SEGMENT_CLASSES)[number];

/** Kernels of elementwise work, told apart by how much of what is counted they move: fused ones move less. */
export const ELEMENTWISE_KERNELS = ['norm', 'qkNorm', 'residual', 'activation', 'relayout'] as const;
export type ElementwiseKernel = (typeof ELEMENTWISE_KERNELS)[number];

/** Collectives of a block. */
export const COLLECTIVE_KINDS = ['all-to-all', 'all-gather', 'all-reduce'] as const;
export type CollectiveKind = (typeof COLLECTIVE_KINDS)[number];

/** What the tensor cores multiply in, with FP32 accumulation; what weights are stored in is another thing. */
export const COMPUTE_DTYPES = ['bf16', 'fp16', 'fp8', 'int8', 'fp4'] as const;
export type ComputeDtype = (typeof COMPUTE_DTYPES)[number];

/** Attention kernels as they are called; each has its own dtype and efficiency on a GPU. */
export const ATTENTION_KERNELS = [
  'flash-attention-2',
  'flash-attention-3',
  'flash-attention-4',
  'cudnn',
  'sage-attention-2',
  'sage-attention-3',
] as const;
export type AttentionKernel = (typeof ATTENTION_KERNELS)[number];

/** What limits a compute segment, and so which fitted efficiency applies to it. */
export const SEGMENT_CLASSES = ['gemm', 'attention', 'elementwise'] as const;
export type SegmentClass = (typeof SEGMENT_CLASSES)[number];

/** Kernels of elementwise work, told apart by how much of what is counted they move: fused ones move less. */
export const ELEMENTWISE_KERNELS = ['norm', 'qkNorm', 'residual', 'activation', 'relayout'] as const;
export type ElementwiseKernel = (typeof ELEMENTWISE_KERNELS)[number];

/** Collectives of a block. */
export const COLLECTIVE_KINDS = ['all-to-all', 'all-gather', 'all-reduce'] as const;
export type CollectiveKind = (typeof COLLECTIVE_KINDS)[number];

import type { AttentionKernel } from '../../../model/dit/kinds.ts';
import type { System } from '../../../model/system/system.ts';
import type { ComputeMode, LaunchMode } from '../../../model/workload/computeMode.ts';
import type { NotPredicted } from './notPredicted.ts';
import type { StepRecord } from './stepFormat.ts';
import type { ATTENTION_KERNELS, TOOLS } from './vocabulary.ts';

type AttentionWord = (typeof ATTENTION_KERNELS)[number];

/**
 * Kernels that a word of the collection may mean. PyTorch's own choice (`sdpa`) puts FlashAttention 2 first, cuDNN in some releases and
 * on Blackwell of data centres; cuDNN's is the faster one only on those and on Hopper (huggingface/transformers pull request 48163).
 * SageAttention 1 has no numbers of its own; by its successor's paper (arXiv 2411.10958) it is slower than that and faster than
 * FlashAttention 2.
 */
const KERNELS: Readonly<Record<AttentionWord, readonly AttentionKernel[] | null>> = {
  sdpa: ['flash-attention-2', 'cudnn'],
  fa2: ['flash-attention-2'],
  fa3: ['flash-attention-3'],
  fa4: ['flash-attention-4'],
  sage: ['flash-attention-2', 'sage-attention-2'],
  sage2: ['sage-attention-2'],
  sage3: ['sage-attention-3'],
  cudnn: ['cudnn'],
  xformers: null,
};

/**
 * Tools with fused kernels of their own for norms, modulation and rotary embedding. What they launch without a compiler lies between
 * fused kernels and one for each operator of PyTorch.
 */
const FUSING: readonly (typeof TOOLS)[number][] = ['sglang', 'vllm-omni', 'lightx2v', 'fastvideo'];

/** Every way in which a record whose settings are closed may have been computed on a machine. */
export function computeModes(record: StepRecord, { gpu }: System): ComputeMode[] | NotPredicted {
  const { compute, attention, tool } = record;
  const dtype = compute!;
  if (gpu.compute.gemm[dtype] === undefined) return { reason: `products in ${dtype} on ${record.card}` };
  const kernels = KERNELS[attention!];
  if (kernels === null || kernels.some((kernel) => gpu.compute.attention[kernel] === undefined))
    return { reason: `attention by ${attention} on ${record.card}` };
  const launches: LaunchMode[] = record.compiled
    ? ['compiled']
    : FUSING.includes(tool)
      ? ['compiled', 'eager']
      : ['eager'];
  return kernels.flatMap((kernel) =>
    launches.map((launch): ComputeMode => ({ dtype, attention: kernel, launch })),
  );
}

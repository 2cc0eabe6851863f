/** Graphics cards that published figures name: maker's model, form factor, memory where the model has several. */
export const CARDS = [
  'rtx-3090',
  'rtx-4080-super',
  'rtx-4090',
  'rtx-4090d',
  'rtx-4090-48gb',
  'rtx-5060',
  'rtx-5060-ti-16gb',
  'rtx-5070-ti',
  'rtx-5090',
  'rtx-a6000',
  'rtx-6000-ada',
  'rtx-4000-ada',
  'rtx-pro-6000',
  'l20',
  'l40',
  'l40s',
  'a100-pcie-40gb',
  'a100-pcie-80gb',
  'a100-sxm-40gb',
  'a100-sxm-80gb',
  'a800-sxm-80gb',
  'h20',
  'h100-pcie',
  'h100-nvl',
  'h100-sxm',
  'h800-pcie',
  'h800-sxm',
  'h200-nvl',
  'h200-sxm',
  'b200',
  'gb200',
  'gb10',
] as const;

export const TOOLS = [
  'diffusers',
  'comfyui',
  'fastvideo',
  'flux-fp8-api',
  'lightx2v',
  'musubi-tuner',
  'official',
  'sglang',
  'vllm-omni',
  'wan2gp',
  'xdit',
] as const;

/** Data types of the blocks' weights in device memory (`nf4` and `int8` with their scales). */
export const STORAGE_DTYPES = ['bf16', 'fp16', 'fp8', 'int8', 'nf4'] as const;

/** Data types in which the matrix products of the blocks are computed. */
export const COMPUTE_DTYPES = ['bf16', 'fp16', 'fp8', 'int8'] as const;

/** Attention kernels: PyTorch's own choice, FlashAttention 2 to 4, SageAttention 1 to 3, cuDNN, xFormers. */
export const ATTENTION_KERNELS = [
  'sdpa',
  'fa2',
  'fa3',
  'fa4',
  'sage',
  'sage2',
  'sage3',
  'cudnn',
  'xformers',
] as const;

/**
 * How the transformer's weights reach the GPU: `none` stay there, `component` the whole transformer (or expert) is exchanged
 * outside the step, `layerwise` whole blocks stream through every step, `leaf` single layers do, `partial` layers that do not fit do.
 */
export const OFFLOAD_KINDS = ['none', 'component', 'layerwise', 'leaf', 'partial'] as const;

/** Where the parts of one sample's step run: Ulysses and ring sequence parallelism, tensor parallelism, guidance's passes. */
export const LAYOUT_AXES = ['ulysses', 'ring', 'tp', 'cfg'] as const;

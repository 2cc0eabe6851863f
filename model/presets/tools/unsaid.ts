/** Tools and schemes that people name and no plan says, with the nearest that can be asked. */
export const UNSAID: Readonly<Record<string, { why: string; instead: string }>> = {
  'deepspeed-zero-inference': {
    why: 'gathers parameter by parameter up to a budget of elements (stage3_prefetch_bucket_size, stage3_max_live_parameters), from shares of every rank: collectives of weights, which no plan has',
    instead: 'take vllm-omni, whose ranks copy whole blocks one ahead',
  },
  wan2gp: {
    why: "mmgp's profiles move what a budget in MB has no room for, by rules that its documents do not say",
    instead: 'take comfyui-native,reserve-vram=GIB, a lower bound for a budget of memory',
  },
  'musubi-tuner': {
    why: 'copies a block out and the next one in over one stream by turns, weight by weight, into the same memory (blocks_to_swap): copies out beside compute, which no plan has',
    instead:
      'take sglang,prefetch=N with as many blocks ahead as it keeps on the GPU, which has no copies out',
  },
  xdit: {
    why: 'has the offloading of diffusers alone',
    instead: 'take diffusers,enable_sequential_cpu_offload or diffusers,enable_model_cpu_offload',
  },
};

import { topUp } from '../../plan/issueOrder.ts';
import { blockLists } from './blockLists.ts';
import { countUp } from './countUp.ts';
import { tool } from './tool.ts';

/** Device buffers that both backends have, however few blocks are streamed. */
const SLOTS = 2;

const knobs = {
  mode: {
    name: 'mode',
    kind: { of: 'choice', choices: ['layer', 'module'] },
    usual: 'layer',
    meaning: 'stream the DiT block by block, or move whole components',
  },
  transfer: {
    name: 'weight_transfer',
    kind: { of: 'choice', choices: ['rank-local', 'allgather'] },
    usual: 'rank-local',
    meaning: 'each rank copies whole blocks, or its share, which they gather',
  },
  resident: {
    name: 'resident_layers',
    short: 'resident',
    kind: { of: 'count', least: 0 },
    usual: '0',
    meaning: 'first blocks that stay',
  },
  pinned: {
    name: 'pin_memory',
    kind: { of: 'switch' },
    usual: 'true',
    meaning: 'weights wait in page-locked memory',
  },
} as const;

/**
 * vLLM-Omni's offload config: a ring over all blocks, one ahead; or, with residents, the rank-local transfer of its distributed
 * backend, which keeps the first blocks and streams the rest through two fixed buffers.
 */
export const vllmOmni = tool({
  summary: 'vLLM-Omni, diffusion_offload_config: a ring over all blocks, one ahead, or behind resident ones',
  read: 'vllm-project/vllm-omni@0fa1748 vllm_omni/diffusion/offloader/config.py; layerwise_backend.py and distributed_layerwise_backend.py of autumn 2026',
  knobs,
  refusal({ mode, transfer, resident, pinned }, given, { blocks }) {
    const layer = (['transfer', 'resident'] as const).find((key) => given.has(key));
    if (mode === 'module' && layer !== undefined)
      return {
        setting: layer,
        why: 'is of mode layer, vLLM-Omni refuses it with module',
        instead: 'leave one of them out',
      };
    if (transfer === 'allgather')
      return {
        setting: 'transfer',
        why: 'allgather moves weights in collectives, which no plan has',
        instead: 'give rank-local, whose copies move more bytes over the host link',
      };
    if (!pinned)
      return {
        setting: 'pinned',
        why: 'false makes copies that the host waits for, whose order no plan says',
        instead: 'leave it out',
      };
    if (resident > blocks.length)
      return {
        setting: 'resident',
        why: `the model has ${blocks.length} blocks`,
        instead: `give at most ${blocks.length}`,
      };
    return null;
  },
  streaming({ mode, resident }, { blocks }) {
    const { length } = blocks;
    // Both backends leave a model of one block where it is.
    if (mode === 'module' || length === 1 || resident === length) return { order: null };
    return { order: { ...topUp(countUp(length).slice(resident), length, 1), slots: SLOTS } };
  },
  notes({ mode, resident }, workload) {
    if (mode === 'module')
      return ['the DiT stays on the GPU while it denoises; moving components is not part of a step'];
    return [
      ...(resident > 0
        ? [
            'resident_layers works only for models that declare it (resident_dit_paths); others are refused when the server starts',
            'with one rank per tensor-parallel group, weights may stay on the checkpoint mapping and pass through two pinned buffers: a host copy that is not predicted',
          ]
        : [
            'older releases know this as --enable-layerwise-offload, which also keeps encoders and VAE on the GPU',
          ]),
      ...(blockLists(workload).length > 1
        ? [
            'its lists of blocks are taken as one ring; whether the version you run joins them is not confirmed',
          ]
        : []),
    ];
  },
});

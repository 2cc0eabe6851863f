import { topUp } from '../../plan/issueOrder.ts';
import { countUp } from './countUp.ts';
import { tool } from './tool.ts';
import { notWan } from './wanFamily.ts';

const knobs = {
  granularity: {
    name: 'offload_granularity',
    kind: { of: 'choice', choices: ['block', 'phase', 'model'] },
    usual: 'block',
    meaning: 'what is copied at a time',
  },
  lazy: {
    name: 'lazy_load',
    kind: { of: 'switch' },
    usual: 'false',
    meaning: 'weights come from the disk',
  },
} as const;

/** LightX2V's cpu_offload of Wan models: two buffers of a block, the next one fetched while one computes, around the end of a pass. */
export const lightx2v = tool({
  summary: 'LightX2V, cpu_offload (Wan models): two buffers, one block ahead',
  read: 'ModelTC/LightX2V@01b844c lightx2v/models/networks/wan/infer/offload/transformer_infer.py (its loop over lazily loaded blocks), @1ead3e3 lightx2v/common/offload/manager.py',
  knobs,
  refusal({ granularity, lazy }, _given, workload) {
    const others = notWan(workload);
    if (others !== null)
      return {
        setting: null,
        why: `has a loop of its own for each family; Wan's was read, ${others}`,
        instead: 'take vllm-omni, which has two buffers, too',
      };
    if (granularity === 'phase')
      return {
        setting: 'granularity',
        why: 'phase stops the host three times in a block, at thirds of it that no plan has',
        instead: 'give block',
      };
    if (lazy)
      return { setting: 'lazy', why: 'true reads the disk, which no plan has', instead: 'leave it out' };
    return null;
  },
  streaming({ granularity }, { blocks }) {
    if (granularity === 'model' || blocks.length === 1) return { order: null };
    return { order: { ...topUp(countUp(blocks.length), blocks.length, 1), slots: 2 } };
  },
  notes: ({ granularity }) =>
    granularity === 'model'
      ? ['the DiT stays on the GPU while it denoises; moving it is not part of a step']
      : [
          'left out: the host waits for both streams at every block, so launches do not run ahead; short blocks take longer than predicted',
        ],
});

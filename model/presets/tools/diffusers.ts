import type { IssueOrder } from '../../plan/issueOrder.ts';
import type { SerialCopy } from '../../plan/plan.ts';
import { passWeightBytes, type Workload } from '../../workload/workload.ts';
import { everyBlockAlone, LEAF_NOTES, outsideOf } from './accelerate.ts';
import { countUp } from './countUp.ts';
import { type Refusal, tensorRanks, tool } from './tool.ts';

const knobs = {
  wholeModel: {
    name: 'enable_model_cpu_offload',
    kind: { of: 'switch' },
    usual: 'false',
    meaning: 'whole components move; the transformer stays on the GPU while it denoises',
  },
  leaves: {
    name: 'enable_sequential_cpu_offload',
    kind: { of: 'switch' },
    usual: 'false',
    meaning: "accelerate's cpu_offload",
  },
  type: {
    name: 'offload_type',
    kind: { of: 'choice', choices: ['block_level', 'leaf_level'] },
    usual: 'block_level',
    meaning: 'what is a group',
  },
  group: {
    name: 'num_blocks_per_group',
    kind: { of: 'count', least: 1 },
    usual: '1',
    meaning: 'blocks that are copied together; the call has no default, here it is 1',
  },
  stream: {
    name: 'use_stream',
    short: 'stream',
    kind: { of: 'switch' },
    usual: 'false',
    meaning: 'fetch the next block on a stream of its own, from page-locked memory',
  },
  record: {
    name: 'record_stream',
    kind: { of: 'switch' },
    usual: 'false',
    meaning: 'leave it to the allocator when memory is free again',
  },
  blocking: {
    name: 'non_blocking',
    kind: { of: 'switch' },
    usual: 'false',
    meaning: 'copies that the host does not wait for',
  },
  lowCpu: {
    name: 'low_cpu_mem_usage',
    kind: { of: 'switch' },
    usual: 'false',
    meaning: 'pin weights at every use instead of once',
  },
} as const;

/** diffusers: group offloading by blocks, and what it has from accelerate. */
export const diffusers = tool({
  summary: 'Hugging Face diffusers: group offloading by blocks, model and sequential CPU offload',
  read: 'diffusers 0.42.1, src/diffusers/hooks/group_offloading.py, src/diffusers/pipelines/pipeline_utils.py',
  knobs,
  refusal({ wholeModel, leaves, type, stream, record, lowCpu, group }, given, workload) {
    if (tensorRanks(workload) > 1)
      return {
        setting: null,
        why: `has no tensor parallelism for these models, the layout has ${tensorRanks(workload)} ranks of it`,
        instead: 'give --tp 1',
      };
    if (wholeModel && leaves)
      return { setting: 'leaves', why: 'diffusers has one of both', instead: 'leave one of them out' };
    const others = ['type', 'group', 'stream', 'record', 'blocking', 'lowCpu'] as const;
    const idle = wholeModel || leaves ? others.find((key) => given.has(key)) : undefined;
    if (idle !== undefined) return noEffect(idle, 'it is of enable_group_offload', 'leave one of them out');
    if (leaves && workload.ranks > 1)
      return {
        setting: 'leaves',
        why: `runs a model in one process, the layout has ${workload.ranks} ranks`,
        instead: 'give --sp 1 --tp 1',
      };
    if (type === 'leaf_level')
      return {
        setting: 'type',
        why: 'leaf_level stops the host at every layer, for as long as launches and copies of that size take it, which no plan says',
        instead: stream ? 'give block_level,stream' : 'give block_level, or accelerate',
      };
    if (stream && given.has('group') && group > 1)
      return noEffect('group', 'with use_stream diffusers sets it to 1', 'leave one of them out');
    if (stream && given.has('blocking'))
      return noEffect('blocking', 'with use_stream copies are never waited for', 'leave it out');
    if (!stream && given.has('blocking'))
      return noEffect(
        'blocking',
        'without use_stream weights are in pageable memory, whose copies the host waits for anyway',
        'leave it out',
      );
    if (!stream && given.has('lowCpu'))
      return noEffect('lowCpu', 'it matters with use_stream only', 'leave it out');
    if (!stream && record)
      return {
        setting: 'record',
        why: 'diffusers refuses it without use_stream',
        instead: 'leave it out, or add stream',
      };
    if (record)
      return {
        setting: 'record',
        why: 'true lets copies run ahead of the blocks without a bound on GPU memory, which no plan says',
        instead: 'leave it out',
      };
    if (lowCpu)
      return {
        setting: 'lowCpu',
        why: 'true pins weights on the host at every use, whose time no machine file has',
        instead: 'leave it out',
      };
    if (group > workload.blocks.length)
      return {
        setting: 'group',
        why: `the model has ${workload.blocks.length} blocks`,
        instead: `give at most ${workload.blocks.length}`,
      };
    return null;
  },
  streaming({ wholeModel, leaves, stream, group }, workload) {
    if (wholeModel) return { order: null };
    if (leaves) return everyBlockAlone(workload);
    const outside = outsideCopies(workload);
    if (stream) return { order: oneAhead(workload.blocks.length), serialCopies: outside };
    const all = countUp(workload.blocks.length);
    return {
      order: { streamed: all, issueAt: all, slots: group },
      sequential: true,
      source: 'pageable',
      serialCopies: [...outside, { bytes: passWeightBytes(workload), direction: 'd2h', memory: 'pageable' }],
    };
  },
  notes({ wholeModel, leaves, stream, group }) {
    if (wholeModel)
      return [
        'the transformer stays on the GPU while it denoises; moving it in before the first step is not part of a step',
      ];
    if (leaves) return LEAF_NOTES;
    if (stream)
      return [
        'the first block of each pass is not fetched ahead, and modules outside the blocks are copied in from pageable memory and out around each pass: both are in the step',
        'left out: the host waits for the device at every block, so launches do not run ahead; short blocks take longer than predicted',
        'left out: weights are pinned tensor by tensor, and torch rounds each up to a power of two: up to twice the pinned memory said here',
      ];
    return [
      'the step includes copying blocks back to the host, and modules outside the blocks in and out around each pass; copies out go to new pageable memory, whose pages the host finds first (host.pageableOut)',
      ...(group === 1
        ? []
        : ['more blocks in a group copy the same bytes one after the other and take more GPU memory']),
    ];
  },
});

function noEffect(setting: string, why: string, instead: string): Refusal {
  return { setting, why: `has no effect: ${why}`, instead };
}

/** The next block is fetched when a block begins; the first one of a pass when the pass does. */
function oneAhead(blocks: number): IssueOrder {
  const streamed = countUp(blocks);
  return { streamed, issueAt: streamed.map((block) => Math.max(0, block - 1)), slots: Math.min(2, blocks) };
}

function outsideCopies(workload: Workload): SerialCopy[] {
  const bytes = outsideOf(workload);
  return [
    { bytes, direction: 'h2d', memory: 'pageable' },
    { bytes, direction: 'd2h', memory: 'pageable' },
  ];
}

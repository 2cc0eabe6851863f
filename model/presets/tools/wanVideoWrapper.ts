import { countUp } from './countUp.ts';
import { dividedText, tool } from './tool.ts';
import { notWan } from './wanFamily.ts';

/** The node takes no more. */
export const MOST_SWAPPED = 48;

const knobs = {
  swapped: {
    name: 'blocks_to_swap',
    kind: { of: 'count', least: 0, most: MOST_SWAPPED },
    usual: '20',
    meaning: 'last blocks that wait on the host',
  },
  nonBlocking: {
    name: 'use_non_blocking',
    kind: { of: 'switch' },
    usual: 'false',
    meaning: 'copies back go to page-locked memory',
  },
  prefetch: {
    name: 'prefetch_blocks',
    kind: { of: 'count', least: 0, most: 40 },
    usual: '0',
    meaning: 'blocks ahead',
  },
} as const;

/**
 * WanVideoWrapper's block swap: the last `blocks_to_swap` blocks are copied in when they are needed and out again behind their
 * compute, all on the default stream, so nothing overlaps. With `use_non_blocking` a block is copied out into page-locked memory,
 * which the next copy in then reads at the link's own rate; without it both are pageable.
 */
export const wanVideoWrapper = tool({
  summary: "ComfyUI-WanVideoWrapper's block swap (Wan models): in and out on the default stream",
  read: 'kijai/ComfyUI-WanVideoWrapper of 2026: wanvideo/modules/model.py, nodes_model_loading.py (WanVideoBlockSwap), in excerpts',
  knobs,
  refusal({ swapped, prefetch }, given, workload) {
    const { blocks, model } = workload;
    if (workload.ranks > 1)
      return {
        setting: null,
        why: `computes a step on one GPU, ${dividedText(workload)}`,
        instead: 'give --sp 1 --tp 1',
      };
    const others = notWan(workload);
    if (others !== null)
      return {
        setting: null,
        why: `runs Wan models, ${others}`,
        instead: 'take comfyui-native',
      };
    if (prefetch > 0)
      return {
        setting: 'prefetch',
        why: 'has no effect on time: the copy stream is switched off in the node, so a prefetch hides nothing',
        instead: 'leave it out',
      };
    if (given.has('swapped') && swapped > blocks.length)
      return {
        setting: 'swapped',
        why: `${model.id} has ${blocks.length} blocks`,
        instead: `give at most ${blocks.length}`,
      };
    if (swapped === 0 && given.has('nonBlocking'))
      return { setting: 'nonBlocking', why: 'has no effect: nothing is swapped', instead: 'leave it out' };
    return null;
  },
  streaming({ swapped, nonBlocking }, { blocks }) {
    const streamed = countUp(blocks.length).slice(Math.max(0, blocks.length - swapped));
    if (streamed.length === 0) return { order: null };
    const bytes = streamed.reduce((sum, block) => sum + blocks[block]!.weightBytes, 0);
    const source = nonBlocking ? 'pinned' : 'pageable';
    return {
      order: { streamed, issueAt: streamed, slots: 1 },
      sequential: true,
      source,
      serialCopies: [{ bytes, direction: 'd2h', memory: source }],
    };
  },
  notes({ swapped, nonBlocking }, { experts }) {
    if (swapped === 0) return ['all blocks stay on the GPU'];
    return [
      'the step includes copying swapped blocks back to the host',
      nonBlocking
        ? 'page-locked memory is what torch makes of a non-blocking copy to the host, rounded up to powers of two for each tensor: up to twice what is said here; the first step still reads pageable memory'
        : 'copies out go to new pageable memory, whose pages the host finds first (host.pageableOut)',
      'prefetch_blocks stays 0: the copy stream is switched off in the node, so a prefetch hides nothing and takes a block more',
      ...(experts > 1
        ? [
            'residents of both experts are counted; with force_offload in the sampler the idle one is not there',
          ]
        : []),
    ];
  },
});

import { makePlan } from '../../model/presets/presets.ts';
import type { System } from '../../model/system/system.ts';
import type { Workload } from '../../model/workload/workload.ts';
import type { Candidate, Wording } from './candidate.ts';
import { countUp } from './countUp.ts';
import { roundTrip } from './serialCopies.ts';
import { wholeBlocks } from './wholeBlocks.ts';

/** The node takes no more. */
const MOST_SWAPPED = 48;

/**
 * WanVideoWrapper: the last `blocks_to_swap` blocks are copied in when they are needed and out again behind their
 * compute, all on the default stream, so nothing overlaps. With `use_non_blocking` a block is copied out into page-locked
 * memory, which the next copy in then reads at the link's own rate; without it both are pageable.
 *
 * As of the sources of 2026: wanvideo/modules/model.py (block_swap, the block loop, whose copy stream is switched off) and
 * nodes_model_loading.py (the node's inputs). Copies one after the other add up, so what a plan cannot say, the way out
 * and the page-locked way in, is added to it.
 */
export function blockSwapCandidates(workload: Workload, system: System): Candidate[] {
  const { blocks } = workload;
  const swaps = countUp(Math.min(MOST_SWAPPED, blocks.length) + 1);
  return swaps.flatMap((swapped) =>
    swapped === 0
      ? [keepingAll(workload, system)]
      : [true, false].map((nonBlocking) => swapping(swapped, nonBlocking, workload, system)),
  );
}

function keepingAll(workload: Workload, system: System): Candidate {
  return {
    plan: makePlan('none', workload, system),
    beyondPlanS: 0,
    wording: () => node(0, false, ['all blocks stay on the GPU']),
  };
}

function swapping(swapped: number, nonBlocking: boolean, workload: Workload, system: System): Candidate {
  const { blocks, passes, experts } = workload;
  const streamed = countUp(blocks.length).slice(blocks.length - swapped);
  const bytes = streamed.reduce((sum, block) => sum + blocks[block]!.weightBytes, 0);
  const { pinnedInS, pinnedOutS, pageableInS, pageableOutS } = roundTrip(system, 1, bytes);
  const outS = passes * (nonBlocking ? pinnedOutS : pageableOutS);
  const name = `comfyui blocks_to_swap ${swapped}${nonBlocking ? ', use_non_blocking' : ''}`;
  const order = { streamed, issueAt: streamed, slots: 1 };
  return {
    plan: wholeBlocks(name, workload, 'none', order, { sequential: true }),
    beyondPlanS: outS + (nonBlocking ? passes * (pinnedInS - pageableInS) : 0),
    hostPinnedBytes: nonBlocking ? experts * bytes : 0,
    wording: () =>
      node(swapped, nonBlocking, [
        `the step includes ${(outS * 1e3).toFixed(1)} ms for copying swapped blocks back to the host`,
        nonBlocking
          ? 'page-locked memory is what torch makes of a non-blocking copy to the host, rounded up to powers of two for each tensor: up to twice what is said here; the first step still reads pageable memory'
          : 'copies out to pageable memory are taken as fast as copies in',
        'prefetch_blocks stays 0: the copy stream is switched off in the node, so a prefetch hides nothing and takes a block more',
        ...(experts > 1
          ? [
              'residents of both experts are counted; with force_offload in the sampler the idle one is not there',
            ]
          : []),
      ]),
  };
}

function node(swapped: number, nonBlocking: boolean, notes: readonly string[]): Wording {
  const inputs = {
    blocks_to_swap: swapped,
    offload_img_emb: false,
    offload_txt_emb: false,
    use_non_blocking: nonBlocking,
    vace_blocks_to_swap: 0,
    prefetch_blocks: 0,
    block_swap_debug: false,
  };
  return {
    knobs: [
      { name: 'blocks_to_swap', value: String(swapped) },
      { name: 'use_non_blocking', value: String(nonBlocking) },
      { name: 'prefetch_blocks', value: '0' },
    ],
    paste: JSON.stringify({ class_type: 'WanVideoBlockSwap', inputs }),
    notes: [
      ...notes,
      'settings are those of the WanVideoBlockSwap node of ComfyUI-WanVideoWrapper, in the API format of workflows; ComfyUI has no parallel ranks, no chunks and no overlap here',
    ],
  };
}

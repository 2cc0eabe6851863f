import { countUp } from '../../model/presets/tools/countUp.ts';
import { MOST_SWAPPED } from '../../model/presets/tools/wanVideoWrapper.ts';
import type { System } from '../../model/system/system.ts';
import type { BoundWorkload } from '../../model/workload/workload.ts';
import { type Candidate, streamingCandidates, type Wording, withoutStreaming } from './candidate.ts';

/** Settings of WanVideoWrapper's block swap: how many of the last blocks, and what memory they are copied back to. */
export function wanVideoWrapperCandidates(workload: BoundWorkload, system: System): Candidate[] {
  const most = Math.min(MOST_SWAPPED, workload.blocks.length);
  const tried = countUp(most).flatMap((less) =>
    [true, false].map((nonBlocking) => ({ swapped: less + 1, nonBlocking })),
  );
  return [
    withoutStreaming(workload, system, 'none', () => node(0, false, ['all blocks stay on the GPU'])),
    ...streamingCandidates(
      'comfyui-wanvideowrapper',
      tried,
      { workload, system, transport: 'none' },
      ({ swapped = 0, nonBlocking = false }) => node(swapped, nonBlocking, []),
    ),
  ];
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

import { memoryNeed } from '../../physics/memory.ts';
import { DEVICE_PAGE_BYTES } from '../../plan/devicePage.ts';
import { topUp } from '../../plan/issueOrder.ts';
import { FROM_FILE } from '../../plan/recipe.ts';
import type { System } from '../../system/system.ts';
import { NO_TRANSPORT } from '../../system/transport.ts';
import type { Workload } from '../../workload/workload.ts';
import { countUp } from './countUp.ts';
import type { SettingsOf } from './knob.ts';
import { dividedText, type Streaming, tool } from './tool.ts';
import { wholeBlocks } from './wholeBlocks.ts';

/** GiB that ComfyUI keeps free on Linux where nobody says how many (EXTRA_RESERVED_VRAM, 400 MiB). */
const USUAL_RESERVE_GIB = '0.39';

const knobs = {
  reserve: {
    name: 'reserve-vram',
    short: 'reserve',
    kind: { of: 'GiB' },
    usual: USUAL_RESERVE_GIB,
    meaning: 'GPU memory that stays free; weights fill the rest',
  },
  novram: {
    name: 'novram',
    kind: { of: 'switch' },
    usual: 'false',
    meaning: 'no weights stay on the GPU',
  },
  lowvram: {
    name: 'lowvram',
    kind: { of: 'switch' },
    usual: 'false',
    meaning: 'text encoders run on the CPU',
  },
  streams: {
    name: 'async-offload',
    kind: { of: 'count', least: 0, most: 16 },
    usual: '2',
    meaning: 'streams that weights are copied on; 0 is disable-async-offload',
  },
  dynamic: {
    name: 'enable-dynamic-vram',
    kind: { of: 'switch' },
    usual: 'false',
    meaning:
      'weights move in and out while it runs; newer versions do unless --disable-dynamic-vram is given',
  },
} as const;

/**
 * ComfyUI's own loader: it fills the GPU up to what is to stay free with weights, and copies the others one by one when a layer
 * asks for them, on two streams by turns.
 *
 * As a plan: the same share of every block stays, and the rest is copied one block ahead. Since ComfyUI looks ahead by one weight
 * only, and not around the end of a pass, that is the least that it can take.
 */
export const comfyNative = tool({
  summary:
    "ComfyUI's own loader, dynamic VRAM off: weights fill the GPU, the others come one by one (a lower bound)",
  read: 'Comfy-Org/ComfyUI@0329457 comfy/cli_args.py; comfy/ops.py and comfy/model_management.py of autumn 2026',
  knobs,
  refusal({ novram, dynamic, streams }, given, workload) {
    if (workload.ranks > 1)
      return {
        setting: null,
        why: `computes a step on one GPU, ${dividedText(workload)}`,
        instead: 'give --sp 1 --tp 1',
      };
    if (dynamic)
      return {
        setting: 'dynamic',
        why: 'moves weights by the memory that is free at each moment, which no plan says',
        instead: 'leave it out, and run ComfyUI with --disable-dynamic-vram',
      };
    if (given.has('lowvram'))
      return {
        setting: 'lowvram',
        why: 'has no effect on the DiT: it is about text encoders',
        instead: 'leave it out, or give reserve-vram',
      };
    if (novram && given.has('reserve'))
      return {
        setting: 'reserve',
        why: 'has no effect: novram keeps no weights',
        instead: 'leave one of them out',
      };
    if (streams === 1)
      return {
        setting: 'streams',
        why: 'one stream overlaps each weight with the compute of one layer at most, which no plan says',
        instead: 'give 2, or 0 for no overlap',
      };
    return null;
  },
  streaming(settings, workload, system) {
    const share = residentShare(settings, workload, system);
    if (share === 1) return { order: null };
    return { ...shape(settings, workload), residentBytes: pagesOf(share) };
  },
  notes({ streams }) {
    return [
      ...(streams > 0
        ? [
            'a lower bound: ComfyUI copies one weight ahead, not one block, and waits for the first weight of every pass',
          ]
        : []),
      'which weights stay is its own choice (the largest); its estimate of activations decides how many, so watch its log for what it loaded',
      'with dynamic VRAM, which newer versions switch on by themselves, --vram-headroom takes the place of --reserve-vram and weights move while it runs: not predicted',
    ];
  },
});

type Settings = SettingsOf<typeof knobs>;

function shape({ streams }: Settings, { blocks }: Workload): Streaming {
  const all = countUp(blocks.length);
  return streams > 0
    ? { order: topUp(all, blocks.length, 1) }
    : { order: { streamed: all, issueAt: all, slots: 1 }, sequential: true, source: 'pinned' };
}

function pagesOf(share: number): (weightBytes: number) => number {
  return (bytes) => Math.floor((bytes * share) / DEVICE_PAGE_BYTES) * DEVICE_PAGE_BYTES;
}

/** Steps in which the share of each block that stays is told apart. */
const SHARES = 256;

/** The largest share of every block that fits beside what is to stay free; none where not even that fits. */
function residentShare(settings: Settings, workload: Workload, system: System): number {
  if (settings.novram) return 0;
  const room = system.gpu.memoryBytes - settings.reserve * 2 ** 30;
  const peakBytes = (streaming: Streaming) =>
    memoryNeed(workload, system, wholeBlocks('', FROM_FILE, streaming, workload, NO_TRANSPORT)).gpuPeakBytes;
  if (peakBytes({ order: null }) <= room) return 1;
  const fits = (share: number) =>
    peakBytes({ ...shape(settings, workload), residentBytes: pagesOf(share) }) <= room;
  const most = countUp(SHARES).findLastIndex((step) => fits(step / SHARES));
  return Math.max(0, most) / SHARES;
}

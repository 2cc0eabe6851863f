import { memoryNeed } from '../../model/physics/memory.ts';
import { DEVICE_PAGE_BYTES } from '../../model/plan/devicePage.ts';
import { topUp } from '../../model/plan/issueOrder.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { makePlan } from '../../model/presets/presets.ts';
import type { System } from '../../model/system/system.ts';
import type { Workload } from '../../model/workload/workload.ts';
import type { Candidate, Wording } from './candidate.ts';
import { countUp } from './countUp.ts';
import { wholeBlocks } from './wholeBlocks.ts';

/** Steps in which the share of the weights that stays is tried. */
const SHARES = 64;

/** Streams that weights are copied on by default. */
const STREAMS = 2;

/**
 * ComfyUI's own loader, where no node says what to swap: it fills the GPU up to `--reserve-vram` with the largest
 * weights and copies the others one by one when a layer asks for them, on two streams by turns.
 *
 * As a plan: the same share of every block stays, and the rest is copied one block ahead. Since ComfyUI looks ahead by one
 * weight only, and not around the end of a pass, that is the least that it can take.
 *
 * As of the sources of autumn 2026: comfy/cli_args.py (flags), comfy/ops.py, comfy/model_management.py.
 */
export function comfyCoreCandidates(workload: Workload, system: System): Candidate[] {
  const count = workload.blocks.length;
  const order = topUp(countUp(count), count, 1);
  const none = makePlan('none', workload, system);
  const plans = countUp(SHARES).map((share) =>
    wholeBlocks(
      `comfyui, ${Math.round((100 * share) / SHARES)} % resident (lower bound)`,
      workload,
      'none',
      order,
      {},
      (bytes) => Math.floor((bytes * share) / SHARES / DEVICE_PAGE_BYTES) * DEVICE_PAGE_BYTES,
    ),
  );
  return [none, ...plans].map((plan) => ({
    plan,
    beyondPlanS: 0,
    wording: () => flags(plan, workload, system),
  }));
}

function flags(plan: Plan, workload: Workload, system: System): Wording {
  const free = Math.max(0, system.gpu.memoryBytes - memoryNeed(workload, system, plan).gpuPeakBytes);
  // Rounded down, so that what is to stay on the GPU finds room.
  const reserve = (Math.floor((free / 2 ** 30) * 10) / 10).toFixed(1);
  const knobs = [
    { name: '--disable-dynamic-vram', value: '' },
    { name: '--reserve-vram', value: reserve },
    { name: '--async-offload', value: String(STREAMS) },
  ];
  return {
    knobs,
    paste: `python main.py ${knobs.map(({ name, value }) => (value === '' ? name : `${name} ${value}`)).join(' ')}`,
    notes: [
      'a lower bound: ComfyUI copies one weight ahead, not one block, and waits for the first weight of every pass',
      'which weights stay is its own choice (the largest); its estimate of activations decides how many, so watch its log for what it loaded',
      'with dynamic VRAM, which newer versions switch on by themselves, --vram-headroom takes the place of --reserve-vram and weights move while it runs: not predicted',
      'ComfyUI has no prefetch depth, no chunks and no parallel ranks; pins come out of a budget of its own',
    ],
  };
}

import { withBlocks } from '../../../model/dit/depth.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { parseSize } from '../../../model/dit/tokens.ts';
import { memoryNeed } from '../../../model/physics/memory.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import type { System } from '../../../model/system/system.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import type { BoundWorkload, Workload } from '../../../model/workload/workload.ts';
import type { Caps } from '../../../search/caps.ts';
import { simulate } from '../../../sim/simulate.ts';

/** A model with a few blocks, so that every setting of a tool can be simulated. */
export function shallow(model: string, size: string, sp: number, blocks = 8): BoundWorkload {
  return bindWorkload(withBlocks(loadDit(model), blocks), { size: parseSize(size), sp, cfg: 'none' });
}

/** What a simulation says of a plan. */
export function simulated(workload: Workload, system: System) {
  return (plan: Plan) => simulate(workload, system, plan, { breakEven: false }).report;
}

/** GPU memory for all but the blocks, and `blocks` of the largest of them; as much pinned memory as one likes. */
export function roomFor(blocks: number, workload: Workload, system: System): Caps {
  const none = memoryNeed(workload, system, makePlan('none', workload, system));
  const largest = Math.max(...workload.blocks.map(({ weightBytes }) => weightBytes));
  return {
    gpuBytes: none.gpuPeakBytes - none.residentBytes + blocks * largest,
    pinnedBytes: Number.POSITIVE_INFINITY,
  };
}

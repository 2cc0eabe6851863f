import { launchLeadBlocks } from '../physics/launchLead.ts';
import type { Plan } from '../plan/plan.ts';
import { collectivesOf } from '../plan/windows.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';

/**
 * Host launches of collectives that hold chunks back, per block of a pass: how many begin together with its first, second,
 * ... collective; of a block without collectives, with its start. Null where chunks do not pause for launches.
 *
 * The launching thread runs a lead of whole blocks ahead of the device, so that a block's launches begin while an earlier
 * block runs, at the same collective of that one or at its last.
 */
export function launchesOf(workload: Workload, system: System, plan: Plan): number[][] | null {
  if (plan.yieldRule !== 'launch-window' || workload.ranks === 1) return null;
  const { blocks } = workload;
  const lead = launchLeadBlocks(workload, system, plan);
  return blocks.map((block, index) => {
    const points = Array<number>(Math.max(1, collectivesOf(block))).fill(0);
    const launched = collectivesOf(blocks[(index + lead) % blocks.length]!);
    for (let launch = 0; launch < launched; launch += 1) points[Math.min(launch, points.length - 1)]! += 1;
    return points;
  });
}

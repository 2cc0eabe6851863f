import type { Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import { transportOf } from '../system/transport.ts';
import { collectiveIn, computeIn, type Workload } from '../workload/workload.ts';
import { callAloneS } from './collectivePhases.ts';
import { blockComputeS, segmentTimeS } from './compute.ts';

/**
 * How many blocks the launching thread runs ahead of the device: its lead in seconds over the time of an average
 * block without offload, at least one block and less than one step.
 */
export function launchLeadBlocks(workload: Workload, system: System, plan: Plan): number {
  let stepS = 0;
  for (const block of workload.blocks) {
    stepS += blockComputeS(block, system.gpu);
    for (const segment of block.segments) {
      const collective = collectiveIn(segment);
      if (collective === null) continue;
      const transport = transportOf(system, plan.transport, workload.ranks);
      if (transport.kind !== 'flow') continue;
      const aloneS = callAloneS(system, transport, collective, workload.ranks);
      const besideS = computeIn(segment).reduce((sum, part) => sum + segmentTimeS(part, system.gpu), 0);
      stepS += Math.max(0, aloneS - besideS);
    }
  }
  const blocks = Math.round(system.host.launchLeadS / (stepS / workload.blocks.length));
  return Math.min(Math.max(1, blocks), workload.blocks.length * workload.passes - 1);
}

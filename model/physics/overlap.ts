import type { Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import { transportOf } from '../system/transport.ts';
import type { Workload } from '../workload/workload.ts';
import { type CopyingBeside, copyingBeside, type Retained } from './besideCollective.ts';
import { callAloneS } from './collectivePhases.ts';
import { segmentTimeS, slowdownOf } from './compute.ts';

/** Room for copies during compute with a collective beside it. */
export interface OverlapRoom {
  /** Seconds without copies: the longer of the two. */
  aloneS: number;
  /** Seconds of copying alone that make it no longer. */
  freeS: number;
  /** What else fits beside the collective, each second of which makes it longer. */
  beside: CopyingBeside;
}

/**
 * Room for copies during compute of C seconds and a collective of l seconds of start-up and m of bytes, which begin together and are
 * waited for together.
 *
 *   alone = max(C, l + m)
 *   with y seconds of copying beside the moving bytes:  collective = l + m + cost x y,  y <= m h / c
 *   copying at no cost = alone - m + y (1 - cost), for the y that the collective has time for: cost x y <= alone - l - m
 *
 * with h, c and cost as in `copyingBeside`. Copies go on alone during the start-up, and when the collective is done. What is left
 * of m h / c beside it costs what it does beside any other collective.
 */
export function overlapRoom(computeS: number, latencyS: number, moveS: number, rates: Retained): OverlapRoom {
  const aloneS = Math.max(computeS, latencyS + moveS);
  const { roomS, costPerS } = copyingBeside(moveS, rates);
  const spareS = aloneS - latencyS - moveS;
  const slackS = costPerS > 0 ? Math.min(roomS, spareS / costPerS) : roomS;
  // Where both together do less than either alone, copies had better wait for the collective.
  const unpaidS = costPerS > 1 ? 0 : slackS;
  return {
    aloneS,
    freeS: aloneS - moveS + unpaidS * (1 - costPerS),
    beside: { roomS: roomS - unpaidS, costPerS },
  };
}

/** Seconds of a step in which collectives run beside compute that takes as long, copies left out: they are on the link all the same. */
export function hiddenCollectiveS(workload: Workload, system: System, plan: Plan, clock: number): number {
  const { gpu } = system;
  let seconds = 0;
  for (const segment of workload.blocks.flatMap(({ segments }) => segments)) {
    if (segment.kind !== 'overlapped') continue;
    const transport = transportOf(system, plan.transport, workload.ranks);
    if (transport.kind !== 'flow') continue;
    const computeS = segment.compute.reduce(
      (sum, part) => sum + segmentTimeS(part, gpu) * slowdownOf(gpu, part.class, clock),
      0,
    );
    seconds += Math.min(computeS, callAloneS(system, transport, segment.collective, workload.ranks));
  }
  return workload.passes * seconds;
}

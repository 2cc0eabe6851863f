import { closedForm } from '../../model/analytic/closedForm.ts';
import { copyingBeside, retained } from '../../model/physics/besideCollective.ts';
import { bytesWithFill } from '../../model/physics/linkShare.ts';
import { cappedClock, powerOf, stepEnergyJ } from '../../model/physics/power.ts';
import { copyRates, pairRates } from '../../model/physics/rates.ts';
import { stagedPieces } from '../../model/physics/stagedCopy.ts';
import { fastestStagedLink } from '../../model/physics/stagedLink.ts';
import { makePlan } from '../../model/presets/presets.ts';
import type { System } from '../../model/system/system.ts';
import { type FlowTransport, transportOf } from '../../model/system/transport.ts';
import type { CollectiveSegment, Workload } from '../../model/workload/workload.ts';

/** Seconds that no plan goes below, and what of them it comes from. */
export interface StepBound {
  stepTimeS: number;
  /** Clock at which a step of that length stays within the power cap. */
  clock: number;
  /** Compute, and collectives by themselves: the bound of a plan that streams nothing. */
  computeS: number;
  collectiveS: number;
  /** What the link needs beyond that, whatever the order of its copies. */
  linkS: number;
}

/**
 * A lower bound on the step time of every plan that copies `streamedBytes` a step over `transport`, whatever its chunks,
 * windows and waits.
 *
 * With compute of C seconds, collectives whose bytes move for M seconds by themselves (and L before they move), and copies
 * of W seconds on a link of their own, the copies run
 *
 * - for nothing beside compute and latencies: C + L seconds of them;
 * - beside moving collectives, where a second of both does h of a second of copying and s of the collective: (1 - s) / h
 *   seconds for a second of copying, up to M h / s of them;
 * - or while nothing else runs, for a second a second.
 *
 * The bound takes them in order of cost; pauses between chunks and waits only add to it. Pieces of `staged-copy` queue with
 * the chunks on one engine, so there it is the longer of C + L + M and all H2D bytes together.
 *
 * Under a power cap the bound is the fixed point of its clock: a shorter step would need a lower clock, and then compute
 * alone would be longer.
 */
export function stepBound(
  workload: Workload,
  system: System,
  streamedBytes: number,
  transport?: string,
): StepBound {
  const none = makePlan('none', workload, system, transport);
  const boundAt = (clock: number): StepBound => {
    const { computeS, collectiveS } = closedForm(workload, system, none, clock);
    const linkS = beyond(workload, system, none.transport, streamedBytes, computeS, collectiveS);
    return { stepTimeS: computeS + collectiveS + linkS, clock, computeS, collectiveS, linkS };
  };
  const power = powerOf(workload, system);
  if (power === null) return boundAt(1);
  const energy = stepEnergyJ(workload, power);
  return boundAt(cappedClock(power, energy, (clock) => boundAt(clock).stepTimeS));
}

/** Seconds that copies add to compute and collectives at the least. */
function beyond(
  workload: Workload,
  system: System,
  transportName: string,
  streamedBytes: number,
  computeS: number,
  collectiveS: number,
): number {
  const copyS = streamedBytes / copyRates(system, workload.ranks).h2d;
  const left = copyS - computeS;
  if (workload.ranks === 1) return Math.max(0, left);
  const transport = transportOf(system, transportName, workload.ranks);
  const collectives = workload.blocks.flatMap(({ segments }) =>
    segments.filter((segment): segment is CollectiveSegment => segment.kind === 'collective'),
  );
  if (transport.kind === 'staged-copy') {
    const readBytes = collectives.reduce((sum, { collective, sentBytes }) => {
      const exchanges = stagedPieces(collective, sentBytes, workload.ranks, transport.pieceBytes);
      return sum + exchanges.reduce((bytes, { reads, pieceBytes }) => bytes + reads * pieceBytes, 0);
    }, 0);
    const { h2d } = fastestStagedLink(system, transport, workload.ranks);
    const readS = (workload.passes * readBytes) / h2d;
    return Math.max(0, copyS + readS - computeS - collectiveS);
  }
  return besideCollectives(workload, system, transport, collectives, left);
}

/** The same over a transport that shares the link: `left` seconds of copying did not fit beside compute. */
function besideCollectives(
  workload: Workload,
  system: System,
  transport: FlowTransport,
  collectives: readonly CollectiveSegment[],
  left: number,
): number {
  let rest = left - workload.passes * collectives.length * transport.latencyS;
  let seconds = 0;
  const kinds = [...new Set(collectives.map(({ collective }) => collective))].map((kind) => {
    const rates = pairRates(system, workload.ranks, transport, kind);
    const bytes = collectives
      .filter(({ collective }) => collective === kind)
      .reduce((sum, { sentBytes }) => sum + bytesWithFill(transport, sentBytes), 0);
    const moveS = (workload.passes * bytes) / rates.collectiveAlone;
    return copyingBeside(moveS, retained(rates));
  });
  for (const { costPerS, roomS } of kinds.sort((a, b) => a.costPerS - b.costPerS)) {
    if (rest <= 0 || costPerS >= 1) break;
    const taken = Math.min(rest, roomS);
    seconds += taken * costPerS;
    rest -= taken;
  }
  return seconds + Math.max(0, rest);
}

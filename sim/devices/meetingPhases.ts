import { phasesOf } from '../../model/physics/collectivePhases.ts';
import { bytesWithFill } from '../../model/physics/linkShare.ts';
import type { CollectiveOp } from '../../model/program/stepProgram.ts';
import type { System } from '../../model/system/system.ts';
import type { Transport } from '../../model/system/transport.ts';
import type { CollectiveFlow } from './links.ts';

/** A flow of a collective on each rank, with the bytes that move in it. */
export interface MeetingPhase extends CollectiveFlow {
  bytes: number;
}

/** The flows of each collective of a program, one after another. Collectives alike have the same ones. */
export function meetingPhases(
  meetings: readonly (readonly CollectiveOp[])[],
  system: System,
  transport: Transport | undefined,
  groupSize: number,
): MeetingPhase[][] {
  if (transport?.kind !== 'flow') return [];
  const known = new Map<string, MeetingPhase[]>();
  return meetings.map(([op]) => {
    const { collective, sentBytes, members, toNeighbour } = op!;
    const key = `${collective} ${sentBytes} ${members?.ranks} ${members?.stride} ${toNeighbour}`;
    const phases =
      known.get(key) ??
      phasesOf(system, transport, op!, groupSize).map((phase) => ({
        ...{ transport: phase.transport, kind: collective },
        bytes: bytesWithFill(phase.transport, phase.sentBytes),
      }));
    known.set(key, phases);
    return phases;
  });
}

/** The flows that links have routes for, each once, in the order in which they are first met. */
export function distinctFlows(phases: readonly (readonly MeetingPhase[])[]): CollectiveFlow[] {
  const distinct: CollectiveFlow[] = [];
  for (const { transport, kind } of phases.flat())
    if (!distinct.some((flow) => flow.transport === transport && flow.kind === kind))
      distinct.push({ transport, kind });
  return distinct;
}

import { callAloneS } from '../../model/physics/collectivePhases.ts';
import { segmentTimeS } from '../../model/physics/compute.ts';
import { stagedCopyAloneS, stagedPieces } from '../../model/physics/stagedCopy.ts';
import { stagedLink } from '../../model/physics/stagedLink.ts';
import type { System } from '../../model/system/system.ts';
import { transportOf } from '../../model/system/transport.ts';
import {
  type CollectiveSegment,
  collectiveIn,
  computeIn,
  type Workload,
} from '../../model/workload/workload.ts';
import type { Backend } from '../hidingRoom.ts';

/**
 * Seconds of a step that a transport of its own for each collective could save at the most: every collective by itself over the
 * backend that is fastest for it, against all of them over the one backend that is fastest for all. A plan has one transport;
 * this says what that costs.
 *
 * @param backends among which there is a choice; nothing is saved among one.
 */
export function mixedTransportGainS(
  workload: Workload,
  system: System,
  backends: readonly Backend[],
): number {
  if (workload.ranks === 1) return 0;
  const segments = workload.blocks.flatMap((block) =>
    block.segments.filter((segment) => collectiveIn(segment) !== null),
  );
  const seconds = backends.map((backend) =>
    segments.map((segment) => {
      const besideS = computeIn(segment).reduce((sum, part) => sum + segmentTimeS(part, system.gpu), 0);
      return Math.max(0, aloneS(collectiveIn(segment)!, workload.ranks, system, backend) - besideS);
    }),
  );
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const oneForAll = Math.min(...seconds.map(sum));
  const each = sum(segments.map((_, index) => Math.min(...seconds.map((own) => own[index]!))));
  return workload.passes * (oneForAll - each);
}

function aloneS(
  segment: CollectiveSegment,
  ranks: number,
  system: System,
  { transport: name, pieceBytes }: Backend,
): number {
  const transport = transportOf(system, name, ranks);
  if (transport.kind === 'flow') return callAloneS(system, transport, segment, ranks);
  const pieces = stagedPieces(
    segment.collective,
    segment.sentBytes,
    ranks,
    pieceBytes || transport.pieceBytes,
  );
  return stagedCopyAloneS(transport, system.gpu.copyEngine, pieces, (exchange) =>
    stagedLink(system, transport, ranks, exchange),
  );
}

import { type CopyingBeside, copyingBeside, retained } from '../model/physics/besideCollective.ts';
import { phasesOf } from '../model/physics/collectivePhases.ts';
import { segmentTimeS, slowdownOf, windowTimesS } from '../model/physics/compute.ts';
import { bytesWithFill, runningRanks } from '../model/physics/linkShare.ts';
import { overlapRoom } from '../model/physics/overlap.ts';
import { type PairRates, pairRates } from '../model/physics/rates.ts';
import { stagedPieces } from '../model/physics/stagedCopy.ts';
import { fastestStagedLink } from '../model/physics/stagedLink.ts';
import type { Gpu, System } from '../model/system/system.ts';
import { collectiveTransport, type FlowTransport, type Transport } from '../model/system/transport.ts';
import type {
  BlockKind,
  CollectiveSegment,
  OverlappedSegment,
  Workload,
} from '../model/workload/workload.ts';
import { stagedLeastS } from './stagedLeast.ts';

/** What one block offers to the copies that run beside it. */
export interface HidingRoom {
  /** Seconds that the block takes when nothing is copied. */
  aloneS: number;
  /** Of them, seconds in which copies cost nothing: compute, and collectives that leave the link or the engine free. */
  freeS: number;
  /** Cheapest first; a second of copying that finds no room costs a second. */
  beside: readonly CopyingBeside[];
}

/** Which collectives a plan uses: a transport, and the piece size where they are made of copies. */
export interface Backend {
  /** `none` for one rank. */
  transport: string;
  /** 0 where the transport has no pieces. */
  pieceBytes: number;
}

/**
 * The room of each block of a pass, in order; equal kinds share one object. Over one transport with several sizes of pieces it is
 * that of the size with which the block is shortest: beside copies too, no size makes it shorter.
 *
 * Beside a flow, copying costs what `copyingBeside` says. Pieces of `staged-copy` queue with the chunks on one engine: what they leave
 * of it costs nothing, and beyond that a second costs a second.
 */
export function hidingRooms(
  workload: Workload,
  system: System,
  backends: readonly Backend[],
  clock: number,
): HidingRoom[] {
  const transport = collectiveTransport(system, backends[0]!, workload.ranks);
  const sharing = system.peer === 'colocated' ? runningRanks(system, workload.ranks) : 1;
  const rooms = new Map<BlockKind, HidingRoom>();
  return workload.blocks.map((block) => {
    const known = rooms.get(block);
    if (known !== undefined) return known;
    const overlapped = block.segments.filter(
      (segment): segment is OverlappedSegment => segment.kind === 'overlapped',
    );
    const besideS = overlapped.map((segment) => sharing * computeOfS(segment, system.gpu, clock));
    const computeS =
      sharing * windowTimesS(block, system.gpu, clock).reduce((sum, window) => sum + window, 0);
    const room = backends
      .map(({ pieceBytes }) => {
        const plainS = computeS - besideS.reduce((sum, seconds) => sum + seconds, 0);
        const plain = roomOf(block, plainS, workload, system, transport, pieceBytes);
        return withOverlapped(plain, overlapped, besideS, workload, system, transport);
      })
      .reduce((least, one) => (one.aloneS < least.aloneS ? one : least));
    rooms.set(block, room);
    return room;
  });
}

/** The flows of a collective over a flow transport: seconds that their bytes move by themselves, and what fits beside them. */
export function besideFlows(
  segment: CollectiveSegment,
  transport: FlowTransport,
  system: System,
  ranks: number,
): (CopyingBeside & { latencyS: number; moveS: number; rates: PairRates })[] {
  return phasesOf(system, transport, segment, ranks).map((phase) => {
    const rates = pairRates(system, ranks, phase.transport, segment.collective);
    const moveS = bytesWithFill(phase.transport, phase.sentBytes) / rates.collectiveAlone;
    const { latencyS } = phase.transport;
    return { latencyS, moveS, rates, ...copyingBeside(moveS, retained(rates)) };
  });
}

function computeOfS({ compute }: OverlappedSegment, gpu: Gpu, clock: number): number {
  return compute.reduce(
    (sum, segment) => sum + segmentTimeS(segment, gpu) * slowdownOf(gpu, segment.class, clock),
    0,
  );
}

/** The room of a block with that of its compute beside which collectives run, which takes so many seconds each. */
function withOverlapped(
  room: HidingRoom,
  overlapped: readonly OverlappedSegment[],
  computeS: readonly number[],
  { ranks }: Workload,
  system: System,
  transport: Transport | null,
): HidingRoom {
  if (overlapped.length === 0) return room;
  if (transport?.kind !== 'flow') throw new Error('collectives beside compute go over a flow transport');
  const rooms = overlapped.map(({ collective }, index) => {
    const { latencyS, moveS, rates } = besideFlows(collective, transport, system, ranks)[0]!;
    return overlapRoom(computeS[index]!, latencyS, moveS, retained(rates));
  });
  return {
    aloneS: rooms.reduce((sum, { aloneS }) => sum + aloneS, room.aloneS),
    freeS: rooms.reduce((sum, { freeS }) => sum + freeS, room.freeS),
    beside: worthwhile([...room.beside, ...rooms.map(({ beside }) => beside)]),
  };
}

/** Copying beside collectives that costs less than waiting, cheapest first. */
function worthwhile(besides: readonly CopyingBeside[]): CopyingBeside[] {
  return besides
    .map(({ roomS, costPerS }) => ({ roomS, costPerS }))
    .filter(({ roomS, costPerS }) => roomS > 0 && costPerS < 1)
    .sort((a, b) => a.costPerS - b.costPerS);
}

function roomOf(
  block: BlockKind,
  computeS: number,
  { ranks }: Workload,
  system: System,
  transport: Transport | null,
  pieceBytes: number,
): HidingRoom {
  const collectives = block.segments.filter(
    (segment): segment is CollectiveSegment => segment.kind === 'collective',
  );
  if (transport === null) return { aloneS: computeS, freeS: computeS, beside: [] };
  if (transport.kind === 'staged-copy') {
    const link = fastestStagedLink(system, transport, ranks);
    let aloneS = computeS;
    let readS = 0;
    for (const { collective, sentBytes } of collectives) {
      const call = {
        collective,
        sentBytes,
        groupSize: ranks,
        pieceBytes: pieceBytes || transport.pieceBytes,
      };
      aloneS += stagedLeastS(call, transport, system.gpu.copyEngine, link);
      const exchanges = stagedPieces(collective, sentBytes, ranks, call.pieceBytes);
      readS += exchanges.reduce(
        (sum, exchange) => sum + (exchange.reads * exchange.pieceBytes) / link.h2d,
        0,
      );
    }
    return { aloneS, freeS: Math.max(0, aloneS - readS), beside: [] };
  }
  const besides = collectives.flatMap((segment) => besideFlows(segment, transport, system, ranks));
  const latencyS = besides.reduce((sum, flow) => sum + flow.latencyS, 0);
  return {
    aloneS: computeS + latencyS + besides.reduce((sum, { moveS }) => sum + moveS, 0),
    freeS: computeS + latencyS,
    beside: worthwhile(besides),
  };
}

import { pieceSizes } from '../physics/stagedCopy.ts';
import type { StagedCopyTransport } from '../system/transport.ts';
import type { CollectiveSegment } from '../workload/workload.ts';
import { flagLabel, phaseLabel, pieceLabel } from './labels.ts';
import type { ProgramBuilder } from './programBuilder.ts';
import type { CopyOp, StreamKind, Wait } from './stepProgram.ts';

interface StagedCollective {
  ranks: number;
  groupSize: number;
  position: number;
  /** Empty where nobody reads it. */
  label: string;
  group: number;
  segment: CollectiveSegment;
  transport: StagedCopyTransport;
  pieceBytes: number;
  /** The H2D pieces stand in the prefetch stream instead of their own. */
  inCopyStream: boolean;
  /** Per rank: the operation that it follows, besides its streams' own order. */
  after: readonly (number | undefined)[];
  drained(rank: number): number | undefined;
  /** Device memory rate, for the sum of an all-reduce. */
  hbmBytesPerS: number;
}

/** One exchange of messages: every rank writes its own for its peers and reads theirs. */
interface Exchange {
  phase: 0 | 1;
  /** Bytes to each peer, in pieces. */
  pieces: readonly number[];
  /** Messages that a rank writes: one for each peer, or one that all of them read. */
  writes: number;
}

/**
 * A collective made of copies: each rank writes its outgoing pieces to pinned memory (`stage-out`: D2H, flag)
 * and reads the pieces that its peers wrote for it (H2D, in the prefetch stream or in `stage-in`), each after
 * its writer's flag. Peers take turns, so that no rank is everybody's target at once. A mirrored rank reads back
 * what it wrote itself. An all-gather writes its shard once, however many peers read it. An all-reduce exchanges
 * shards, sums its own, and gathers the sums.
 *
 * Returns, per rank, the mark that ends it.
 */
export function addStagedCollective(builder: ProgramBuilder, staged: StagedCollective): number[] {
  const { ranks, position, label, group, transport } = staged;
  const begins = staged.after.map((after, rank) => {
    const base = { rank, position, group };
    const begin = builder.add(
      {
        ...base,
        kind: 'mark',
        role: 'collective-begin',
        stream: 'collective',
        label: phaseLabel(label, 'begin'),
      },
      [after, staged.drained(rank)],
    );
    builder.add(
      { ...base, kind: 'delay', role: 'latency', stream: 'stage-out', label, durationS: transport.latencyS },
      [begin],
    );
    return begin;
  });
  const [first, second] = exchangesOf(staged);
  addExchange(builder, staged, first!, begins);
  if (second !== undefined) addExchange(builder, staged, second, addSums(builder, staged));
  return Array.from({ length: ranks }, (_, rank) =>
    builder.add(
      {
        kind: 'mark',
        role: 'collective-end',
        rank,
        stream: 'collective',
        position,
        label: phaseLabel(label, 'end'),
        group,
      },
      [builder.last(rank, readsIn(staged)), builder.last(rank, 'stage-out')],
    ),
  );
}

function exchangesOf({ segment, groupSize, pieceBytes }: StagedCollective): Exchange[] {
  const peers = groupSize - 1;
  const pieces = (bytes: number) => pieceSizes(bytes / peers, pieceBytes);
  switch (segment.collective) {
    case 'all-to-all':
      return [{ phase: 0, pieces: pieces(segment.sentBytes), writes: peers }];
    case 'all-gather':
      return [{ phase: 0, pieces: pieces(segment.sentBytes), writes: 1 }];
    case 'all-reduce':
      // Half of what a ring sends goes out as shards to sum, the other half comes back as sums.
      return [
        { phase: 0, pieces: pieces(segment.sentBytes / 2), writes: peers },
        { phase: 1, pieces: pieces(segment.sentBytes / 2), writes: 1 },
      ];
  }
}

function readsIn(staged: StagedCollective): StreamKind {
  return staged.inCopyStream ? 'copy' : 'stage-in';
}

/** The sum of a rank's shard once all have arrived; what is written next waits for it. */
function addSums(builder: ProgramBuilder, staged: StagedCollective): number[] {
  const { ranks, position, label, segment, groupSize, hbmBytesPerS } = staged;
  const shardBytes = segment.sentBytes / 2 / (groupSize - 1);
  return Array.from({ length: ranks }, (_, rank) =>
    builder.add(
      {
        kind: 'delay',
        role: 'reduce',
        rank,
        stream: 'collective',
        position,
        label: phaseLabel(label, 'sum'),
        durationS: ((groupSize + 1) * shardBytes) / hbmBytesPerS,
      },
      [builder.last(rank, readsIn(staged)), builder.last(rank, 'stage-out')],
    ),
  );
}

function addExchange(
  builder: ProgramBuilder,
  staged: StagedCollective,
  exchange: Exchange,
  /** Per rank: what its own pieces wait for, those that it writes and those that it reads. */
  ready: readonly number[],
): void {
  const written = ready.map((own, rank) => addWrites(builder, staged, exchange, rank, own));
  ready.forEach((own, rank) => {
    addReads(builder, staged, exchange, rank, own, written);
  });
}

/**
 * The pieces that a rank writes, piece by piece for all peers, each followed by the flag behind which a peer may read it.
 *
 * Returns the number of the first one; that of the piece at place p is 2 p behind it.
 */
function addWrites(
  builder: ProgramBuilder,
  staged: StagedCollective,
  { phase, pieces, writes }: Exchange,
  rank: number,
  ready: number,
): number {
  const { position, label, transport } = staged;
  const first = builder.next;
  for (let piece = 0; piece < pieces.length; piece += 1)
    for (let peer = 0; peer < writes; peer += 1) {
      const name = label === '' ? '' : pieceLabel(label, 'out', piece, peer);
      const copy = pieceCopy(staged, rank, phase, 'stage-out', 'd2h', name, pieces[piece]!, -1, builder.next);
      if (copy.id === first) copy.waits.push({ op: ready, stepsAgo: 0 });
      builder.append(copy);
      builder.append({
        rank,
        position,
        kind: 'delay',
        role: 'flag',
        stream: 'stage-out',
        label: name === '' ? '' : flagLabel(name),
        durationS: transport.flagS,
        id: builder.next,
        waits: [],
      });
    }
  return first;
}

/** The pieces that a rank reads. @param written per rank, the first piece that it has written. */
function addReads(
  builder: ProgramBuilder,
  staged: StagedCollective,
  { phase, pieces, writes }: Exchange,
  rank: number,
  ready: number,
  written: readonly number[],
): void {
  const { ranks, groupSize, label } = staged;
  const stream = readsIn(staged);
  for (let piece = 0; piece < pieces.length; piece += 1)
    for (let hop = 1; hop < groupSize; hop += 1) {
      // With mirrored peers the only running rank stands for all of them.
      const writer = ranks === 1 ? 0 : (rank + ranks - hop) % ranks;
      const source = written[writer]! + 2 * (piece * writes + (writes === 1 ? 0 : hop - 1));
      const name = label === '' ? '' : pieceLabel(label, 'in', piece, hop);
      const copy = pieceCopy(staged, rank, phase, stream, 'h2d', name, pieces[piece]!, source, builder.next);
      copy.waits = [{ op: source + 1, stepsAgo: 0 }];
      // A peer may be ahead: nothing is read before this rank itself has got here.
      if (piece === 0 && hop === 1) copy.waits.push({ op: ready, stepsAgo: 0 });
      builder.append(copy);
    }
}

function pieceCopy(
  { position, group }: StagedCollective,
  rank: number,
  phase: 0 | 1,
  stream: StreamKind,
  direction: 'h2d' | 'd2h',
  label: string,
  bytes: number,
  source: number,
  id: number,
): CopyOp & { waits: Wait[] } {
  // Written out, in the order that recorded hashes of programs know: there are tens of thousands of these, and spreading
  // takes most of the time of lowering a program.
  return {
    rank,
    position,
    group,
    phase,
    kind: 'copy',
    role: 'staging',
    stream,
    label,
    direction,
    bytes,
    chunkBytes: bytes,
    paceS: 0,
    pausedByHost: false,
    sourceBytesPerS: Number.POSITIVE_INFINITY,
    target: null,
    source,
    id,
    waits: [],
  };
}

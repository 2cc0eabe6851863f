import { pieceSizes } from '../physics/stagedCopy.ts';
import type { StagedCopyTransport } from '../system/transport.ts';
import type { CollectiveSegment } from '../workload/workload.ts';
import { flagLabel, phaseLabel, pieceLabel } from './labels.ts';
import type { OpDraft, ProgramBuilder } from './programBuilder.ts';
import type { StreamKind } from './stepProgram.ts';

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
  { phase, pieces, writes }: Exchange,
  /** Per rank: what its own pieces wait for, those that it writes and those that it reads. */
  ready: readonly number[],
): void {
  const { ranks, groupSize, position, label, group, transport } = staged;
  const peers = groupSize - 1;
  /** written[rank][piece x writes + peer]: the copy, and the flag behind which a peer may read it. */
  const written = Array.from({ length: ranks }, (_, rank) => {
    const base = { rank, position, group, phase };
    return pieces.flatMap((bytes, piece) =>
      Array.from({ length: writes }, (_, peer) => {
        const name = label === '' ? '' : pieceLabel(label, 'out', piece, peer);
        const first = piece === 0 && peer === 0;
        const copy = builder.add(
          stagingCopy(base, 'stage-out', 'd2h', name, bytes, -1),
          first ? [ready[rank]] : [],
        );
        const flag = builder.add({
          rank,
          position,
          kind: 'delay',
          role: 'flag',
          stream: 'stage-out',
          label: name === '' ? '' : flagLabel(name),
          durationS: transport.flagS,
        });
        return { copy, flag };
      }),
    );
  });
  for (let rank = 0; rank < ranks; rank += 1) {
    pieces.forEach((bytes, piece) => {
      for (let hop = 1; hop <= peers; hop += 1) {
        // With mirrored peers the only running rank stands for all of them.
        const source = ranks === 1 ? 0 : (rank + ranks - hop) % ranks;
        const { copy, flag } = written[source]![piece * writes + (writes === 1 ? 0 : hop - 1)]!;
        const base = { rank, position, group, phase };
        const name = label === '' ? '' : pieceLabel(label, 'in', piece, hop);
        // A peer may be ahead: nothing is read before this rank itself has got here.
        const first = piece === 0 && hop === 1;
        const waits = first ? [flag, ready[rank]] : [flag];
        builder.add(stagingCopy(base, readsIn(staged), 'h2d', name, bytes, copy), waits);
      }
    });
  }
}

function stagingCopy(
  { rank, position, group, phase }: { rank: number; position: number; group: number; phase: 0 | 1 },
  stream: StreamKind,
  direction: 'h2d' | 'd2h',
  label: string,
  bytes: number,
  source: number,
): OpDraft {
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
  };
}

import { pieceSizes } from '../system/stagedCopy.ts';
import type { StagedCopyTransport } from '../system/system.ts';
import type { CollectiveSegment } from '../workload/workload.ts';
import type { ProgramBuilder } from './programBuilder.ts';
import type { StreamKind } from './stepProgram.ts';

interface StagedCollective {
  ranks: number;
  groupSize: number;
  position: number;
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
}

/**
 * A collective made of copies: each rank writes its outgoing pieces to pinned memory (`stage-out`: D2H, flag)
 * and reads the pieces that its peers wrote for it (H2D, in the prefetch stream or in `stage-in`), each after
 * its writer's flag. Peers take turns, so that no rank is everybody's target at once. A mirrored rank reads back
 * what it wrote itself. An all-gather writes its shard once, however many peers read it.
 *
 * Returns, per rank, the mark that ends it.
 */
export function addStagedCollective(builder: ProgramBuilder, staged: StagedCollective): number[] {
  const { ranks, groupSize, position, label, group, segment, transport, pieceBytes, inCopyStream, after } =
    staged;
  const peers = groupSize - 1;
  const perPeer = pieceSizes(segment.sentBytes / peers, pieceBytes);
  const writes = segment.collective === 'all-gather' ? 1 : peers;
  /** written[rank][piece x writes + peer]: the copy, and the flag behind which a peer may read it. */
  const written: { copy: number; flag: number }[][] = [];
  for (let rank = 0; rank < ranks; rank += 1) {
    const base = { rank, position, group };
    const begin = builder.add(
      { ...base, kind: 'mark', role: 'collective-begin', stream: 'collective', label: `${label} begins` },
      [after[rank], staged.drained(rank)],
    );
    builder.add(
      { ...base, kind: 'delay', role: 'latency', stream: 'stage-out', label, durationS: transport.latencyS },
      [begin],
    );
    written.push(
      perPeer.flatMap((bytes, piece) =>
        Array.from({ length: writes }, (_, peer) => {
          const name = `${label} out ${piece}.${peer}`;
          const copy = builder.add(stagingCopy(base, 'stage-out', 'd2h', name, bytes, -1));
          const flag = builder.add({
            ...base,
            kind: 'delay',
            role: 'flag',
            stream: 'stage-out',
            label: `${name} flag`,
            durationS: transport.flagS,
          });
          return { copy, flag };
        }),
      ),
    );
  }
  return after.map((_, rank) => {
    const stream: StreamKind = inCopyStream ? 'copy' : 'stage-in';
    perPeer.forEach((bytes, piece) => {
      for (let hop = 1; hop <= peers; hop += 1) {
        // With mirrored peers the only running rank stands for all of them.
        const source = ranks === 1 ? 0 : (rank + ranks - hop) % ranks;
        const { copy, flag } = written[source]![piece * writes + (writes === 1 ? 0 : hop - 1)]!;
        builder.add(
          stagingCopy({ rank, position, group }, stream, 'h2d', `${label} in ${piece}.${hop}`, bytes, copy),
          [flag],
        );
      }
    });
    return builder.add(
      {
        kind: 'mark',
        role: 'collective-end',
        rank,
        stream: 'collective',
        position,
        label: `${label} ends`,
        group,
      },
      [builder.last(rank, stream), builder.last(rank, 'stage-out')],
    );
  });
}

function stagingCopy(
  base: { rank: number; position: number; group: number },
  stream: StreamKind,
  direction: 'h2d' | 'd2h',
  label: string,
  bytes: number,
  source: number,
) {
  return {
    ...base,
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
  } as const;
}

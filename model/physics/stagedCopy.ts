import type { CollectiveKind } from '../dit/kinds.ts';
import type { CopyEngine } from '../system/system.ts';
import type { StagedCopyTransport } from '../system/transport.ts';

/** Sizes of the pieces that a staged collective's bytes are cut into; the last one is what is left. */
export function pieceSizes(bytes: number, pieceBytes: number): number[] {
  return Array.from({ length: pieceCount(bytes, pieceBytes) }, (_, index) =>
    Math.min(pieceBytes, bytes - index * pieceBytes),
  );
}

function pieceCount(bytes: number, pieceBytes: number): number {
  return Math.max(1, Math.ceil(bytes / pieceBytes));
}

/** Bytes/s of a GPU's link: each direction alone, and H2D and D2H while both run. */
export interface Link {
  h2d: number;
  d2h: number;
  both: number;
  bothD2h: number;
}

/** How many pieces of which size a staged collective writes to host memory and reads from it, per rank. */
export interface StagedPieces {
  pieceBytes: number;
  writes: number;
  reads: number;
}

/**
 * The exchanges of a collective that sends `sentBytes` to its peers together. An all-gather writes once what all peers
 * read; an all-reduce exchanges shards and then gathers their sums, half of its bytes in each.
 */
export function stagedPieces(
  kind: CollectiveKind,
  sentBytes: number,
  groupSize: number,
  pieceBytes: number,
): StagedPieces[] {
  if (kind === 'all-reduce') {
    return [
      ...stagedPieces('all-to-all', sentBytes / 2, groupSize, pieceBytes),
      ...stagedPieces('all-gather', sentBytes / 2, groupSize, pieceBytes),
    ];
  }
  const peers = groupSize - 1;
  const perPeer = pieceCount(sentBytes / peers, pieceBytes);
  return [
    {
      pieceBytes: sentBytes / peers / perPeer,
      writes: perPeer * (kind === 'all-gather' ? 1 : peers),
      reads: perPeer * peers,
    },
  ];
}

/**
 * Seconds of a copy-engine collective by itself: D2H and H2D pieces in a two-stage pipeline, as long as its slower
 * stage,
 *
 *   latency + first write + max((writes - 1) x write stage + last read, reads x read stage)
 *
 * A write costs the engine's pause, its bytes and a flag. In the middle of the pipeline both directions run at
 * once, each at its share of what the link carries together. Several exchanges follow each other.
 *
 * @param linkOf rates of an exchange, which differ where the CPU's cache serves some of what is read.
 */
export function stagedCopyAloneS(
  transport: StagedCopyTransport,
  engine: CopyEngine,
  exchanges: readonly StagedPieces[],
  linkOf: (pieces: StagedPieces) => Link,
): number {
  return exchanges.reduce(
    (seconds, pieces) => seconds + exchangeS(transport, engine, pieces, linkOf(pieces)),
    transport.latencyS,
  );
}

/**
 * Seconds that copies to the device lose to a staged collective's writes, which share a link that carries less of each
 * direction while both run:
 *
 *   written bytes / D2H beside H2D x (1 - H2D beside D2H / H2D alone)
 */
export function lostToWritesS(exchanges: readonly StagedPieces[], link: Link): number {
  const writtenBytes = exchanges.reduce((sum, { pieceBytes, writes }) => sum + pieceBytes * writes, 0);
  return (writtenBytes / link.bothD2h) * (1 - link.both / link.h2d);
}

/** Seconds of bytes in one direction while as many go the other way: the slower direction has the link to itself at the end. */
function besideS(bytes: number, own: number, other: number, alone: number): number {
  return own >= other ? bytes / own : bytes / other + (bytes - (own / other) * bytes) / alone;
}

function exchangeS(
  transport: StagedCopyTransport,
  engine: CopyEngine,
  { pieceBytes, writes, reads }: StagedPieces,
  link: Link,
): number {
  const first = engine.startUpS + pieceBytes / link.d2h + transport.flagS;
  const writeS = besideS(pieceBytes, link.bothD2h, link.both, link.d2h);
  const readS = besideS(pieceBytes, link.both, link.bothD2h, link.h2d);
  const writeStage = engine.gapS + writeS + transport.flagS;
  const readStage = engine.gapS + (writes === reads ? readS : pieceBytes / link.h2d);
  const lastRead = engine.startUpS + pieceBytes / link.h2d;
  return first + Math.max((writes - 1) * writeStage + lastRead, reads * readStage);
}

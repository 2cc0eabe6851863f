import type { CollectiveKind } from '../dit/kinds.ts';
import type { CopyEngine } from '../system/system.ts';
import type { StagedCopyTransport } from '../system/transport.ts';
import { type Arithmetic, NUMBERS } from './arithmetic.ts';

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
export interface Link<T = number> {
  h2d: T;
  d2h: T;
  both: T;
  bothD2h: T;
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
  const { startUpS, gapS } = engine;
  const costs = { startUpS, gapS, flagS: transport.flagS };
  return exchanges.reduce(
    (seconds, pieces) => seconds + stagedExchangeS(NUMBERS, pieces, costs, linkOf(pieces)),
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

/** What an exchange of pieces costs beside its bytes, seconds. */
export interface StagedCosts<T = number> {
  startUpS: T;
  gapS: T;
  flagS: T;
}

/** One exchange of `stagedCopyAloneS`, in any arithmetic. */
export function stagedExchangeS<T>(
  arithmetic: Arithmetic<T>,
  { pieceBytes, writes, reads }: StagedPieces,
  { startUpS, gapS, flagS }: StagedCosts<T>,
  link: Link<T>,
): T {
  const { plus, times, larger } = arithmetic;
  const alone = (rate: T) => arithmetic.over(pieceBytes, rate);
  const firstS = plus(plus(startUpS, alone(link.d2h)), flagS);
  const writeS = besideS(arithmetic, pieceBytes, link.bothD2h, link.both, link.d2h);
  const readS = besideS(arithmetic, pieceBytes, link.both, link.bothD2h, link.h2d);
  const writeStageS = plus(plus(gapS, writeS), flagS);
  const readStageS = plus(gapS, writes === reads ? readS : alone(link.h2d));
  const lastReadS = plus(startUpS, alone(link.h2d));
  const writesS = plus(times(writeStageS, writes - 1), lastReadS);
  return plus(firstS, larger(writesS, times(readStageS, reads)));
}

/** Seconds of bytes in one direction while as many go the other way: the slower direction has the link to itself at the end. */
function besideS<T>({ magnitude, plus, over }: Arithmetic<T>, bytes: number, own: T, other: T, alone: T): T {
  if (magnitude(own) >= magnitude(other)) return over(bytes, own);
  return plus(over(bytes, other), over(bytes - (magnitude(own) / magnitude(other)) * bytes, alone));
}

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
  { latencyS, flagS }: StagedCopyTransport,
  { startUpS, gapS }: CopyEngine,
  exchanges: readonly StagedPieces[],
  linkOf: (pieces: StagedPieces) => Link,
): number {
  return stagedAloneS(NUMBERS, { latencyS, startUpS, gapS, flagS }, exchanges, linkOf);
}

/** `stagedCopyAloneS` in any arithmetic. */
export function stagedAloneS<T>(
  arithmetic: Arithmetic<T>,
  costs: StagedCosts<T>,
  exchanges: readonly StagedPieces[],
  linkOf: (pieces: StagedPieces) => Link<T>,
): T {
  return exchanges.reduce(
    (seconds, pieces) => arithmetic.plus(seconds, stagedExchangeS(arithmetic, pieces, costs, linkOf(pieces))),
    costs.latencyS,
  );
}

/**
 * Seconds that copies to the device lose to a staged collective's writes, which share a link that carries less of each
 * direction while both run:
 *
 *   written bytes / D2H beside H2D x (1 - H2D beside D2H / H2D alone)
 */
export function lostToWritesS<T>(
  arithmetic: Arithmetic<T>,
  exchanges: readonly StagedPieces[],
  { h2d, both, bothD2h }: Link<T>,
): T {
  const writtenBytes = exchanges.reduce((sum, { pieceBytes, writes }) => sum + pieceBytes * writes, 0);
  const lostShare = arithmetic.minus(arithmetic.constant(1), arithmetic.ratio(both, h2d));
  return arithmetic.product(arithmetic.over(writtenBytes, bothD2h), lostShare);
}

/** What a staged collective costs beside its bytes, seconds. */
export interface StagedCosts<T> {
  /** Of the whole of it; everything else is of each piece. */
  latencyS: T;
  startUpS: T;
  gapS: T;
  flagS: T;
}

/** One exchange of `stagedAloneS`. */
function stagedExchangeS<T>(
  arithmetic: Arithmetic<T>,
  { pieceBytes, writes, reads }: StagedPieces,
  { startUpS, gapS, flagS }: StagedCosts<T>,
  link: Link<T>,
): T {
  const alone = (rate: T) => arithmetic.over(pieceBytes, rate);
  const firstS = sumOf(arithmetic, startUpS, alone(link.d2h), flagS);
  const writeS = besideS(arithmetic, pieceBytes, link.bothD2h, link.both, link.d2h);
  const readS = besideS(arithmetic, pieceBytes, link.both, link.bothD2h, link.h2d);
  const writeStageS = sumOf(arithmetic, gapS, writeS, flagS);
  const readStageS = arithmetic.plus(gapS, writes === reads ? readS : alone(link.h2d));
  const lastReadS = arithmetic.plus(startUpS, alone(link.h2d));
  const writesS = arithmetic.plus(arithmetic.times(writeStageS, writes - 1), lastReadS);
  return arithmetic.plus(firstS, arithmetic.larger(writesS, arithmetic.times(readStageS, reads)));
}

function sumOf<T>(arithmetic: Arithmetic<T>, one: T, two: T, three: T): T {
  return arithmetic.plus(arithmetic.plus(one, two), three);
}

/** Seconds of bytes in one direction while as many go the other way: the slower direction has the link to itself at the end. */
function besideS<T>(arithmetic: Arithmetic<T>, bytes: number, own: T, other: T, alone: T): T {
  const ownRate = arithmetic.magnitude(own);
  const otherRate = arithmetic.magnitude(other);
  if (ownRate >= otherRate) return arithmetic.over(bytes, own);
  const alongsideS = arithmetic.over(bytes, other);
  return arithmetic.plus(alongsideS, arithmetic.over(bytes - (ownRate / otherRate) * bytes, alone));
}

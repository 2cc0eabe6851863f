import type { CollectiveKind } from '../model/dit/kinds.ts';
import { type Link, pieceSizes } from '../model/physics/stagedCopy.ts';
import type { CopyEngine } from '../model/system/system.ts';
import type { StagedCopyTransport } from '../model/system/transport.ts';

/** A collective of copies by itself. */
interface StagedCall {
  collective: CollectiveKind;
  sentBytes: number;
  groupSize: number;
  pieceBytes: number;
}

/**
 * Seconds that a copy-engine collective takes by itself at the least: below what the engines make of it, where the formula of the
 * closed form is only near it, above or below (most so with few pieces, of which the last is a short one).
 *
 *   latency + first write + T(o) for the o that makes it least, of all exchanges
 *   T(o) = max(o + alone reads + pauses of reads, o + alone writes + pauses and flags of writes + last read, o + alone reads + alone writes)
 *
 * where o is the time in which both directions run, as fast as they go together, and what is left alone. The last piece is read
 * when nothing is written any more.
 */
export function stagedLeastS(
  { collective, sentBytes, groupSize, pieceBytes }: StagedCall,
  transport: StagedCopyTransport,
  engine: CopyEngine,
  link: Link,
): number {
  const peers = groupSize - 1;
  const exchange = (bytes: number, messages: number) =>
    exchangeS(pieceSizes(bytes / peers, pieceBytes), messages, peers, transport, engine, link);
  switch (collective) {
    case 'all-to-all':
      return transport.latencyS + exchange(sentBytes, peers);
    case 'all-gather':
      return transport.latencyS + exchange(sentBytes, 1);
    case 'all-reduce':
      return transport.latencyS + exchange(sentBytes / 2, peers) + exchange(sentBytes / 2, 1);
  }
}

/** Pieces of one message, each written once for so many messages and read once from each peer. */
function exchangeS(
  pieces: readonly number[],
  messages: number,
  peers: number,
  { flagS }: StagedCopyTransport,
  { startUpS, gapS }: CopyEngine,
  { h2d, d2h, both, bothD2h }: Link,
): number {
  const first = pieces[0]!;
  const last = pieces.at(-1)!;
  const bytes = pieces.reduce((sum, piece) => sum + piece, 0);
  const written = messages * bytes - first;
  const read = peers * bytes;
  const writePauseS = (messages * pieces.length - 1) * (gapS + flagS);
  // The engine is awake where a chunk of weights was copied just before, so that not even the first read starts up.
  const readPauseS = peers * pieces.length * gapS;
  const lastReadS = gapS + last / h2d;
  const aloneReadS = (together: number) => (read - both * together) / h2d;
  const aloneWriteS = (together: number) => (written - bothD2h * together) / d2h;
  const seconds = (together: number) =>
    Math.max(
      together + aloneReadS(together) + readPauseS,
      together + aloneWriteS(together) + writePauseS + lastReadS,
      together + aloneReadS(together) + aloneWriteS(together),
    );
  const most = Math.max(0, Math.min(written / bothD2h, (read - last) / both));
  // The first two grow with the time together, the third falls: the least is where one of them meets it, or at an end.
  const meets = [
    (written / d2h - readPauseS) / (bothD2h / d2h),
    (read / h2d - writePauseS - lastReadS) / (both / h2d),
  ].filter((together) => together > 0 && together < most);
  const least = Math.min(...[0, most, ...meets].map(seconds));
  return startUpS + first / d2h + flagS + least;
}

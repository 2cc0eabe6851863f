import type { CopyQueue } from './copyQueue.ts';

/** The pieces of a staged collective and the copy engine that they share with the prefetch, seconds. */
export interface StagedBeside<T> {
  /** Pieces that the rank reads. */
  pieces: number;
  /** A piece on the engine: the gap before it and its bytes. */
  pieceS: T;
  /** The whole collective by itself. */
  aloneS: T;
  /** Time slice that a stream gets while another has a copy ready. */
  sliceS: number;
  gapS: T;
  /** Bytes of one chunk on the link. */
  chunkS: T;
  /** Pause from chunk to chunk of a paced prefetch; 0 where there is none. */
  pauseS: T;
  /** Since the engine last read a piece of another collective. */
  sinceReadS: T;
}

/**
 * Seconds of a staged collective whose pieces have a stream of their own beside a prefetch stream that is not empty.
 *
 * The engine serves the streams in turn, a time slice each:
 *
 * - the prefetch uses its slice to the end (of a paced one: to the end of its chunk, at which it gives the engine away);
 * - a piece waits for the slice of the prefetch before it, and as many pieces as fit go into the pause of a paced prefetch;
 * - a piece longer than a slice is interrupted at the slice's end, so that it waits for one more slice of the prefetch
 *   for each further one of its own;
 * - when the prefetch has ended, pieces follow each other as they do alone.
 *
 * Lets that time pass for the queue.
 */
export function besideTimeSlices(queue: CopyQueue<number>, staged: StagedBeside<number>): number {
  const { pieces, pieceS, aloneS, pauseS, gapS } = staged;
  const aloneOnePieceS = aloneS / pieces;
  const prefetchSliceS = pauseS > 0 ? Math.min(staged.sliceS, staged.chunkS) : staged.sliceS;
  const slicesPerPiece = Math.max(1, Math.ceil(pieceS / staged.sliceS));
  let left = pieces;
  // The prefetch has the engine while the first piece is written to the host.
  const writeS = Math.max(0, pieces === 1 ? aloneS - pieceS : aloneOnePieceS - pieceS);
  // Then the piece waits for what is left of the slice that the prefetch began after the last read.
  const waitS = Math.min(Math.max(0, prefetchSliceS - staged.sinceReadS - writeS), queue.allLeftS);
  let elapsedS = writeS + waitS;
  queue.alone(elapsedS);
  while (left > 0 && !queue.empty) {
    left -= Math.min(left, Math.max(1, pauseS / aloneOnePieceS));
    elapsedS += Math.max(pauseS, pieceS);
    // Nothing waits behind the last piece.
    const slices = left > 0 ? slicesPerPiece : slicesPerPiece - 1;
    const prefetchS = Math.min(slices * prefetchSliceS, queue.allLeftS);
    // The pause of a paced prefetch runs on while a piece has the engine.
    queue.alone(prefetchS + (left > 0 ? pauseS : 0));
    elapsedS += prefetchS + gapS;
  }
  const restS = left * aloneOnePieceS;
  queue.alone(restS);
  return elapsedS + restS;
}

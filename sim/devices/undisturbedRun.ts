/** A run of chunks that has its engine and links to itself from now on. Seconds, bytes, bytes/s. */
export interface UndisturbedRun {
  /** When the pause before its first chunk began, and how long that is. */
  fromS: number;
  firstPauseS: number;
  /** Bytes left in all, and of the first chunk, which a lost turn may have shortened. */
  left: number;
  firstLeft: number;
  chunk: number;
  bytesPerS: number;
  /** From one chunk's last byte to the next one's first. */
  betweenS: number;
}

/** When the run's last byte has moved. */
export function endOfRun(run: UndisturbedRun): number {
  const further = Math.ceil((run.left - run.firstLeft) / run.chunk - 1e-9);
  return run.fromS + run.firstPauseS + run.left / run.bytesPerS + further * run.betweenS;
}

/** Where a run stands: the chunk in flight or next, when its first byte moves, and when the one before ended. */
export interface RunPosition {
  /** Bytes left in all and of that chunk, before it moves. */
  left: number;
  chunkLeft: number;
  startS: number;
  /** Null for the run's first chunk. */
  previousEndS: number | null;
}

/** The chunk that is in flight at `now`, or the next one if `now` falls into a pause. */
export function positionAt(run: UndisturbedRun, now: number): RunPosition {
  const firstStartS = run.fromS + run.firstPauseS;
  const firstEndS = firstStartS + run.firstLeft / run.bytesPerS;
  if (now < firstEndS || run.left <= run.firstLeft) {
    return { left: run.left, chunkLeft: run.firstLeft, startS: firstStartS, previousEndS: null };
  }
  const periodS = run.chunk / run.bytesPerS + run.betweenS;
  // Chunks behind the first that have ended: each ends one period after the one before.
  const whole = Math.max(0, Math.floor((now - firstEndS) / periodS));
  const previousEndS = firstEndS + whole * periodS;
  const left = run.left - run.firstLeft - whole * run.chunk;
  return { left, chunkLeft: Math.min(run.chunk, left), startS: previousEndS + run.betweenS, previousEndS };
}

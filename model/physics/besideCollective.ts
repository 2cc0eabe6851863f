import type { PairRates } from './rates.ts';

/** Fractions of their rates alone that copies and a collective retain while both run. */
export interface Retained {
  h2d: number;
  collective: number;
}

export function retained(rates: PairRates): Retained {
  return {
    h2d: rates.h2dShared / rates.h2dAlone,
    collective: rates.collectiveShared / rates.collectiveAlone,
  };
}

/** Copying that overlaps a moving collective. */
export interface CopyingBeside {
  /** Seconds of copying alone that fit beside it at the most. */
  roomS: number;
  /** Seconds that the collective takes longer for each of them. */
  costPerS: number;
}

/**
 * A second of both does h of a second of copying and c of the collective, h and c being what they retain, so
 *
 *   cost = (1 - c) / h of a second for a second of copying
 *   room = (seconds that the collective moves alone) x h / c
 */
export function copyingBeside(moveS: number, { h2d, collective }: Retained): CopyingBeside {
  return { roomS: (moveS * h2d) / collective, costPerS: (1 - collective) / h2d };
}

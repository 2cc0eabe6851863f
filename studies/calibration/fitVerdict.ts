import type { FittedStage } from './fitMachine.ts';
import { readingStatistics } from './readingErrors.ts';

/** What a fit is good for, and what not, by its held-out readings. */
export interface FitVerdict {
  /** Stages whose held-out readings are predicted well. */
  fit: string[];
  unfit: UnfitStage[];
  /** Stages without a held-out reading: nothing says how good they are. */
  unchecked: string[];
}

export interface UnfitStage {
  stage: string;
  /** Mean absolute error of the held-out readings, and the largest, as shares. */
  mape: number;
  largest: number;
  /** How far rounds of one reading lie apart: the median over its readings, as a share. */
  spread: number;
}

/**
 * Mean absolute error, as a share, up to which a stage is fit. The stages of the committed calibrations of quiet H200s have 0.1 to 10.2 %
 * (`chunkflow fit experiments/h200-calibration/h200-calibration.yaml`).
 */
export const MOST_ERROR = 0.12;
/** Rounds that lie further apart than this are another machine's work beside the measurement. */
export const QUIET_SPREAD = 0.05;

export function fitVerdict(stages: readonly Pick<FittedStage, 'name' | 'errors'>[]): FitVerdict {
  const verdict: FitVerdict = { fit: [], unfit: [], unchecked: [] };
  for (const { name, errors } of stages) {
    const heldOut = readingStatistics(errors['held-out']);
    if (heldOut === null) verdict.unchecked.push(name);
    else if (heldOut.mape <= MOST_ERROR) verdict.fit.push(name);
    else {
      const { mape, largest, spread } = heldOut;
      verdict.unfit.push({ stage: name, mape, largest, spread });
    }
  }
  return verdict;
}

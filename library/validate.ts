import { countLines } from '../model/input/fileLines.ts';
import { loadSystem } from '../model/system/load.ts';
import { DatasetReader } from '../studies/dataset/stepRecords.ts';
import { StepComparison } from '../studies/heldOut/compareSteps.ts';
import { HeldOutErrors, type HeldOutReport } from '../studies/heldOut/report.ts';
import { UNWATCHED, type Watch } from './progress.ts';

/** What predicts, and what is kept. */
export interface ValidateOptions {
  /** Predicts, such as a fitted one; each cell's own unless given. */
  machine?: string;
  /** How many of the steps that are farthest off are kept; 5 unless given. */
  worst?: number;
  watch?: Watch;
}

/**
 * Predicts measured steps and says how far off that is, as `chunkflow validate --json` prints it.
 *
 * @param files JSON Lines of `chunkflow experiment collect`.
 * @returns errors as shares of what was measured.
 * @throws UserError with file and line of what does not fit.
 * @example
 * const { all } = validate(['experiments/h200-steps/one-rank.jsonl'], { machine: 'h200-x1-fitted' });
 * console.log(all.simulated.mape, all.simulated.largest);
 */
export function validate(files: readonly string[], options: ValidateOptions = {}): HeldOutReport {
  const { machine, worst = 5, watch = UNWATCHED } = options;
  const comparison = new StepComparison(machine === undefined ? null : loadSystem(machine));
  const progress = watch(files.reduce((sum, file) => sum + countLines(file), 0));
  const errors = new HeldOutErrors(worst);
  const steps = new DatasetReader(files);
  for (const step of steps) {
    errors.add(comparison.compare(step, steps.place));
    progress.advance();
  }
  return errors.report(comparison.noises());
}

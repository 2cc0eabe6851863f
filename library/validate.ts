import { countLines } from '../model/input/fileLines.ts';
import { loadSystem } from '../model/system/load.ts';
import { DatasetReader } from '../studies/dataset/stepRecords.ts';
import { StepComparison } from '../studies/heldOut/compareSteps.ts';
import { ErrorsByNode, type NodeErrorReport } from '../studies/heldOut/errorsByNode.ts';
import { HeldOutErrors, type HeldOutReport } from '../studies/heldOut/report.ts';
import { UNWATCHED, type Watch } from './progress.ts';

/** What predicts, and what is kept. */
export interface ValidateOptions {
  /** Predicts, such as a fitted one; each cell's own unless given. */
  machine?: string;
  /** How many of the steps that are farthest off are kept; 5 unless given. */
  worst?: number;
  /** Errors of each node by themselves, too. */
  by?: 'node';
  watch?: Watch;
}

/** Errors of predictions, and what was read for them. */
export interface Validation extends HeldOutReport {
  /** Where they were asked for by node. */
  byNode?: NodeErrorReport;
  /** Lines that stand in the datasets more than once, and count once. */
  repeatedLines: number;
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
export function validate(files: readonly string[], options: ValidateOptions = {}): Validation {
  const { machine, worst = 5, by, watch = UNWATCHED } = options;
  const comparison = new StepComparison(machine === undefined ? null : loadSystem(machine));
  const progress = watch(files.reduce((sum, file) => sum + countLines(file), 0));
  const errors = new HeldOutErrors(worst);
  const byNode = by === 'node' ? new ErrorsByNode() : undefined;
  const steps = new DatasetReader(files);
  for (const step of steps) {
    const compared = comparison.compare(step, steps.place);
    errors.add(compared);
    byNode?.add(compared, step);
    progress.advance();
  }
  return {
    ...errors.report(comparison.noises()),
    ...(byNode === undefined ? {} : { byNode: byNode.report() }),
    repeatedLines: steps.repeated,
  };
}

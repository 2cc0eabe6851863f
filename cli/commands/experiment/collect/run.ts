import { UserError } from '../../../../model/input/userError.ts';
import { eachStepLine } from '../../../../studies/dataset/stepRecords.ts';
import { collectSteps } from '../../../../studies/grid/collectSteps.ts';
import { readExperiment } from '../../../../studies/grid/experimentFile.ts';
import { writeWholeFile } from '../../../files/wholeFile.ts';
import type { Output } from '../../../output.ts';
import type { CollectFlags } from './command.ts';

/** Makes a dataset of an experiment's raw results. */
export function run(file: string, flags: CollectFlags, output: Output): void {
  const { runs, notes } = collectSteps(readExperiment(file), flags.results);
  for (const note of notes) output.diagnostic(`note: ${note}\n`);
  if (runs.length === 0) throw new UserError(`${flags.results.join(', ')}: hold no step of the experiment`);
  writeWholeFile(flags.out, eachStepLine(runs));
  output.result(`${flags.out}: ${runs.length} steps\n`);
}

import { UserError } from '../../../../model/input/userError.ts';
import { NodeNames, readNodeNames, withoutNames } from '../../../../studies/dataset/nodeNames.ts';
import { eachStepLine, type StepRun } from '../../../../studies/dataset/stepRecords.ts';
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
  const { anonymous } = flags;
  if (anonymous === undefined) writeWholeFile(flags.out, eachStepLine(runs));
  else writeAnonymous(runs, flags.out, anonymous === true ? null : anonymous);
  output.result(`${flags.out}: ${runs.length} steps\n`);
}

/** The names first: a dataset whose names nobody can look up would call its nodes otherwise than the next one does. */
function writeAnonymous(runs: readonly StepRun[], out: string, file: string | null): void {
  const names = file === null ? new NodeNames() : readNodeNames(file);
  const lines = withoutNames(runs, names);
  if (file !== null) writeWholeFile(file, `${JSON.stringify(names.entries(), null, 1)}\n`);
  writeWholeFile(out, eachStepLine(lines));
}

import { UserError } from '../../../model/input/userError.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { type AttachedReport, attachedReport } from '../../../studies/attach/attachedReport.ts';
import { compareAttached } from '../../../studies/attach/compareAttached.ts';
import { profilesOf } from '../../../studies/attach/profileFolder.ts';
import { readAttachSteps } from '../../../studies/attach/readAttachSteps.ts';
import type { Output } from '../../output.ts';
import { formatTable } from '../../text/table.ts';
import { paragraphs } from '../../text/wrap.ts';
import type { ValidateFlags } from './command.ts';
import { errorTables, exitCode, line, orderLines } from './errorText.ts';

/**
 * Predicts measured steps of users' own models from their profiles and prints how far off that is. Returns the exit code: 1 where a
 * limit is broken or an output had other bits than no offload.
 */
export function validateAttached(
  files: readonly string[],
  flags: ValidateFlags & { profiles: string },
  output: Output,
): number {
  if (flags.machine === undefined)
    throw new UserError(
      `--profiles ${flags.profiles}: a profile says nothing of links; give --machine, such as one that was fitted`,
    );
  const machine = loadSystem(flags.machine);
  const measurements = readAttachSteps(files);
  const steps = compareAttached(measurements, profilesOf(flags.profiles), machine);
  if (steps.length === 0)
    throw new UserError('no step is of an attached plan or without offload: there is nothing to predict');
  const report = attachedReport(measurements, steps, flags.worst);
  if (flags.json) output.result(`${JSON.stringify(report, null, 1)}\n`);
  else print(report, output);
  for (const name of report.otherBits) output.diagnostic(`error: ${name}: other bits than without offload\n`);
  return Math.max(exitCode(report, flags, output), report.otherBits.length > 0 ? 1 : 0);
}

function print(report: AttachedReport, output: Output): void {
  const { all, memory, largestHostShare, unsteady, notPredicted, worst } = report;
  output.result(`${all.simulated.n} steps of attached models, predicted from their profiles\n\n`);
  output.result(`${errorTables(report, output.layout)}\n`);
  const says = (sentence: string) => output.result(paragraphs(sentence, output.layout));
  says(orderLines(report));
  if (memory !== null) says(line('memory, claimed against the device', memory));
  if (largestHostShare !== null)
    says(`host time in hooks: at the most ${(largestHostShare * 100).toFixed(2)} % of a step`);
  if (unsteady.length > 0)
    says(`warmed up without becoming steady: ${unsteady.length} (${unsteady.slice(0, 3).join('; ')})`);
  if (notPredicted.length > 0) output.result(`measured beside, not predicted: ${notPredicted.length}\n`);
  if (worst.length === 0) return;
  output.result('\nfarthest off\n');
  output.result(
    formatTable(
      [
        { header: 'case', value: ({ measured }) => measured.record.case },
        { header: 'plan', value: ({ measured }) => measured.record.variant.key },
        { header: 'measured ms', value: ({ measured }) => measured.stepS * 1e3, digits: 2 },
        { header: 'simulated ms', value: ({ simulatedS }) => simulatedS * 1e3, digits: 2 },
        { header: 'error %', value: ({ simulatedError }) => simulatedError * 100, digits: 1 },
        { header: 'closed form %', value: ({ closedFormError }) => closedFormError * 100, digits: 1 },
        { header: 'memory %', value: percentOf(({ memoryError }) => memoryError), digits: 1 },
        { header: 'noise %', value: percentOf(({ noise }) => noise), digits: 1 },
      ],
      worst,
      output.layout,
    ),
  );
}

function percentOf<Row>(value: (row: Row) => number | null): (row: Row) => number | null {
  return (row) => {
    const share = value(row);
    return share === null ? null : share * 100;
  };
}

import { type Validation, validate } from '../../../library/validate.ts';
import { UserError } from '../../../model/input/userError.ts';
import type { ComparedStep } from '../../../studies/heldOut/compareSteps.ts';
import { nodeBiasLines } from '../../../studies/heldOut/errorsByNode.ts';
import {
  type PublishedStep,
  publishedErrors,
  publishedSteps,
} from '../../../studies/published/publishedSteps.ts';
import type { Output } from '../../output.ts';
import { startProgress } from '../../text/progress.ts';
import { type Column, formatTable } from '../../text/table.ts';
import { paragraphs } from '../../text/wrap.ts';
import type { ValidateFlags } from './command.ts';
import { errorTables, exitCode, line, nodeTable, orderLines } from './errorText.ts';

/** In place of datasets: steps that others have published. A file of this name is `./published`. */
const PUBLISHED = 'published';

/** Predicts measured steps and prints how far off that is. Returns the exit code: 1 where a limit is broken. */
export function validateDatasets(files: readonly string[], flags: ValidateFlags, output: Output): number {
  if (files.includes(PUBLISHED)) return validatePublished(files, flags, output);
  const { machine, worst } = flags;
  const report = validate(files, {
    ...(machine !== undefined && { machine }),
    worst,
    ...(flags.by !== undefined && { by: flags.by }),
    watch: (total) => startProgress(output, 'steps', total),
  });
  if (flags.json) output.result(`${JSON.stringify(report, null, 1)}\n`);
  else print(report, output);
  const { repeatedLines } = report;
  if (repeatedLines > 0)
    output.diagnostic(
      `note: ${repeatedLines} ${repeatedLines === 1 ? 'line stands' : 'lines stand'} there more than once, and count once\n`,
    );
  return exitCode(report, flags, output);
}

const PUBLISHED_COLUMNS: readonly Column<PublishedStep>[] = [
  { header: 'machine', value: (row) => row.source },
  { header: 'case', value: (row) => row.case },
  { header: 'plan', value: (row) => row.plan },
  { header: 'published s', value: (row) => row.publishedS, digits: 3 },
  { header: 'simulated s', value: (row) => row.simulatedS, digits: 3 },
  { header: 'error %', value: (row) => row.simulatedError * 100, digits: 1 },
  { header: 'closed form %', value: (row) => row.closedFormError * 100, digits: 1 },
];

function validatePublished(files: readonly string[], flags: ValidateFlags, output: Output): number {
  if (files.length > 1)
    throw new UserError(
      `validate ${PUBLISHED}: takes no datasets beside it; give them to a run of their own`,
    );
  if (flags.machine !== undefined)
    throw new UserError(
      `validate ${PUBLISHED}: each case has its own calibrated machine; leave out --machine ${flags.machine}`,
    );
  if (flags.by !== undefined)
    throw new UserError(`validate ${PUBLISHED}: is of machines of others; leave out --by ${flags.by}`);
  const steps = publishedSteps();
  const errors = publishedErrors(steps);
  if (flags.json) output.result(`${JSON.stringify({ ...errors, steps }, null, 1)}\n`);
  else {
    output.result('steps that others have published, without those that calibrated their machines\n');
    output.result(formatTable(PUBLISHED_COLUMNS, steps, output.layout));
    output.result(`\n${errorTables(errors, output.layout)}`);
  }
  return exitCode({ all: errors.all, orders: [], memory: null }, flags, output);
}

function print(report: Validation, output: Output): void {
  output.result(
    `${report.all.simulated.n} steps; programs of ${report.depth}\n\n${errorTables(report, output.layout)}\n`,
  );
  if (report.byNode !== undefined) output.result(`by node\n${nodeTable(report.byNode, output.layout)}\n`);
  const says = (sentence: string) => output.result(paragraphs(sentence, output.layout));
  for (const line of report.byNode === undefined ? [] : nodeBiasLines(report.byNode)) says(line);
  says(orderLines(report));
  if (report.memory !== null) says(line('memory, claimed against the device', report.memory));
  if (report.clock !== null) says(line('clock', report.clock));
  if (report.energy !== null) says(line('energy of a step', report.energy));
  if (report.parts !== null) {
    output.result('\nwhere the time is predicted otherwise, as % of the step\n');
    output.result(
      formatTable(
        [
          { header: 'category', value: (row) => row.category },
          { header: 'mean absolute', value: (row) => row.mean * 100, digits: 2 },
          { header: 'bias', value: (row) => row.bias * 100, digits: 2 },
        ],
        report.parts,
        output.layout,
      ),
    );
  }
  if (report.worst.length === 0) return;
  output.result('\nfarthest off\n');
  output.result(
    formatTable(
      [
        { header: 'cell', value: ({ run }) => run.cell.id },
        { header: 'plan', value: ({ run }) => run.plan },
        { header: 'measured ms', value: ({ run }) => run.stepS * 1e3, digits: 2 },
        { header: 'simulated ms', value: ({ simulatedS }) => simulatedS * 1e3, digits: 2 },
        { header: 'error %', value: ({ simulatedError }) => simulatedError * 100, digits: 1 },
        { header: 'closed form %', value: ({ closedFormError }) => closedFormError * 100, digits: 1 },
        { header: 'compute %', value: ({ parts }) => partPercent(parts, 'compute'), digits: 1 },
        { header: 'collective %', value: ({ parts }) => partPercent(parts, 'collective'), digits: 1 },
        { header: 'noise %', value: ({ noise }) => (noise === null ? null : noise * 100), digits: 1 },
      ],
      report.worst,
      output.layout,
    ),
  );
}

/** Predicted less measured time of a category, as % of the step: 0 where neither has any, null without a timeline. */
function partPercent(parts: ComparedStep['parts'], category: 'compute' | 'collective'): number | null {
  return parts === null ? null : (parts[category] ?? 0) * 100;
}

import { parseArgs } from 'node:util';
import { type Column, formatTable } from '../cli/text/table.ts';
import { UserError } from '../model/input/userError.ts';
import { closedFormPredictor } from '../studies/published/steps/closedFormPredictor.ts';
import {
  type ComparedRecord,
  compareRecords,
  groupRecords,
  type RecordComparison,
  type RecordGroup,
} from '../studies/published/steps/compareRecords.ts';
import { closedRecords } from '../studies/published/steps/openSettings.ts';
import { predictArguments } from '../studies/published/steps/predictArguments.ts';
import { PUBLISHED_STEPS, readStepFolder } from '../studies/published/steps/readSteps.ts';

/**
 * `npx tsx scripts/published-steps.ts [FOLDER] [--json | --commands]`: the published step times of experiments/published/steps, or of another
 * folder of such files, beside what the closed form predicts of them on the machines of the catalogue, and errors by card, tool,
 * offload and so on. What cannot be predicted is counted by its reason. With --commands, one line for each figure that can be: the
 * `chunkflow predict` of the same case, the first of several where the source leaves some open.
 */
const COLUMNS: readonly Column<ComparedRecord>[] = [
  { header: 'figure', value: ({ record }) => record.id },
  { header: 'card', value: ({ record }) => `${record.gpus} x ${record.card ?? `${record.cardAsWritten}?`}` },
  {
    header: 'published s',
    value: ({ published }) => Math.sqrt(published.lowS * published.highS),
    digits: 3,
  },
  { header: 'of', value: ({ published }) => (published.isUpperBound ? 'run / steps' : 'step') },
  { header: 'predicted s', value: ({ prediction }) => prediction.stepS, digits: 3 },
  { header: 'low s', value: ({ prediction }) => prediction.interval?.[0] ?? null, digits: 3 },
  { header: 'high s', value: ({ prediction }) => prediction.interval?.[1] ?? null, digits: 3 },
  { header: 'predicted / published', value: ({ ratio }) => ratio, digits: 2 },
  { header: 'held', value: ({ isCovered }) => (isCovered === null ? null : isCovered ? 'yes' : 'no') },
];

const GROUP_COLUMNS: readonly Column<RecordGroup>[] = [
  { header: 'by', value: (row) => row.kind },
  { header: 'of', value: (row) => row.name },
  { header: 'figures', value: (row) => row.count },
  { header: 'median ratio', value: (row) => row.medianRatio, digits: 2 },
  { header: 'median |error| %', value: (row) => row.medianAbsoluteError * 100, digits: 1 },
  { header: 'largest %', value: (row) => row.largestAbsoluteError * 100, digits: 1 },
  { header: 'held %', value: (row) => (row.coverage === null ? null : row.coverage * 100), digits: 0 },
];

function print({ compared, refused }: RecordComparison): void {
  process.stdout.write(`${compared.length} predicted, ${refused.length} not\n\n`);
  process.stdout.write(formatTable(COLUMNS, compared));
  if (compared.length > 0) process.stdout.write(`\n${formatTable(GROUP_COLUMNS, groupRecords(compared))}`);
  const reasons = [...new Set(refused.map(({ reason }) => reason))].map((reason) => ({
    reason,
    count: refused.filter((one) => one.reason === reason).length,
  }));
  reasons.sort((one, other) => other.count - one.count);
  process.stdout.write(
    `\n${formatTable(
      [
        { header: 'not predicted', value: ({ reason }) => reason },
        { header: 'figures', value: ({ count }) => count },
      ],
      reasons,
    )}`,
  );
}

function printCommands({ compared }: RecordComparison): void {
  const lines = compared.flatMap(({ record }) => {
    const words = predictArguments(closedRecords(record)[0]!);
    return Array.isArray(words) ? [`chunkflow ${words.join(' ')}  # ${record.id}\n`] : [];
  });
  process.stdout.write(lines.join(''));
}

try {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean' }, commands: { type: 'boolean' } },
    allowPositionals: true,
  });
  const comparison = compareRecords(readStepFolder(positionals[0] ?? PUBLISHED_STEPS), closedFormPredictor);
  if (values.commands === true) printCommands(comparison);
  else if (values.json === true) process.stdout.write(`${JSON.stringify(comparison, null, 1)}\n`);
  else print(comparison);
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}

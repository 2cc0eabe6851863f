import { toolVersion } from '../../codegen/toolVersion.ts';
import { overallStanding, STANDINGS, type Standing } from '../../studies/finding.ts';
import { countText, fixedText, listText, percentText } from '../../studies/numberText.ts';
import { commandText } from '../parts/commandText.ts';
import { machineSection } from '../parts/machine.ts';
import { type Column, percentColumn, tablePart } from '../parts/table.ts';
import type { Report, TablePart, Verdict } from '../report.ts';
import { committedDatasets } from './committed.ts';
import { type ValidatedDataset, validateDataset } from './validate.ts';

/** Datasets that this project shows itself by. */
export function validationCount(): number {
  return committedDatasets().length;
}

/**
 * All that README's table claims, predicted anew: each committed dataset with its errors and a chart, the machines that predict, and the
 * command of each.
 *
 * @param onDataset called behind each dataset.
 * @throws UserError where the project's measurements are not there.
 */
export function validationReport(onDataset: () => void = () => undefined): Report {
  const validated = committedDatasets().map((committed) => {
    const result = validateDataset(committed);
    onDataset();
    return result;
  });
  const machines = new Map(
    validated.flatMap(({ machine }) => (machine === null ? [] : [[machine.named, machine] as const])),
  );
  return {
    title: 'ChunkFlow, validated',
    subtitle: 'every dataset of the README, predicted anew by this version',
    verdict: validationVerdict(validated),
    sections: [
      { id: 'summary', title: 'All datasets', parts: [summaryTable(validated)] },
      ...validated.map(({ committed, finding, parts }) => ({
        id: committed.id,
        title: finding.about,
        short: committed.short,
        parts,
      })),
      machineSection([...machines.values()]),
      {
        id: 'commands',
        title: 'Commands',
        parts: [
          {
            kind: 'commands',
            commands: [
              {
                what: 'this report',
                command: commandText(['report', 'validation', '--out', 'validation.html']),
              },
              ...validated.map(({ finding, command }) => ({ what: finding.about, command })),
            ],
          },
        ],
      },
    ],
    version: toolVersion(),
  };
}

function validationVerdict(validated: readonly ValidatedDataset[]): Verdict {
  const findings = validated.map(({ finding }) => finding);
  const standing = overallStanding(findings);
  const holding = findings.filter((finding) => finding.standing === 'holds').length;
  const others = STANDINGS.slice(1).flatMap((of: Standing) => {
    const names = findings.filter((finding) => finding.standing === of).map(({ about }) => about);
    return names.length === 0 ? [] : [`${of}: ${listText(names)}`];
  });
  const counted = validated.flatMap(({ errors }) => (errors === null ? [] : [errors.all.simulated]));
  const steps = counted.reduce((sum, { n }) => sum + n, 0);
  return {
    standing,
    says: `${[`${holding} of ${countText(findings.length, 'claim')} hold`, ...others].join('; ')}.`,
    figures: [
      {
        label: 'Measured steps',
        value: fixedText(steps, 0),
        note: `in ${countText(counted.length, 'dataset')}`,
      },
      ...validated.flatMap(({ errors, committed }) =>
        errors === null
          ? []
          : [
              {
                label: committed.what,
                value: percentText(errors.all.simulated.mape),
                note: `MAPE; 95 of 100 within ${percentText(errors.all.simulated.p95)}`,
              },
            ],
      ),
    ],
    findings,
  };
}

type Row = ValidatedDataset & { errors: NonNullable<ValidatedDataset['errors']> };

const COLUMNS: readonly Column<Row>[] = [
  { header: 'dataset', value: ({ committed }) => committed.what },
  { header: 'depth', value: ({ errors }) => errors.depth },
  { header: 'n', value: ({ errors }) => errors.all.simulated.n },
  percentColumn('MAPE %', ({ errors }) => errors.all.simulated.mape),
  percentColumn('closed form %', ({ errors }) => errors.all.closedForm.mape),
  percentColumn('bias %', ({ errors }) => errors.all.simulated.bias),
  percentColumn('p95 %', ({ errors }) => errors.all.simulated.p95),
  percentColumn('largest %', ({ errors }) => errors.all.simulated.largest),
  percentColumn('in interval %', ({ errors }) => errors.all.covered),
  { header: "Kendall's tau", value: ({ errors }) => errors.tau, digits: 2 },
  percentColumn('noise floor %', ({ errors }) => errors.all.noise),
];

function summaryTable(validated: readonly ValidatedDataset[]): TablePart {
  const rows = validated.flatMap((one) => (one.errors === null ? [] : [{ ...one, errors: one.errors }]));
  const caption = 'Held-out steps, simulated; machines were fitted to other measurements';
  return tablePart('summary-table', caption, COLUMNS, rows);
}

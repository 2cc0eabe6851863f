import { toolVersion } from '../../codegen/toolVersion.ts';
import type { AttachedReport } from '../../studies/attach/attachedReport.ts';
import type { ComparedAttached } from '../../studies/attach/compareAttached.ts';
import { countText, percentText } from '../../studies/numberText.ts';
import { commandText } from '../parts/commandText.ts';
import { filesTable } from '../parts/environment.ts';
import { classTables, orderTable, quantityTable } from '../parts/errorTables.ts';
import { machineSection } from '../parts/machine.ts';
import { distributionPart, scatterPart } from '../parts/stepCharts.ts';
import { stepVerdict } from '../parts/stepVerdict.ts';
import { type Column, percentColumn, tablePart } from '../parts/table.ts';
import type { Part, Report, Section } from '../report.ts';
import {
  type AttachedInput,
  attachedRow,
  type ComparedAttachedSteps,
  compareAttachedSteps,
} from './attachedSteps.ts';

const WORST = 10;

/**
 * Measured steps of users' own PyTorch models beside what is predicted from their profiles, as `experimentReport` has it of generated
 * programs.
 *
 * @throws UserError as `compareAttachedSteps`.
 */
export function attachedStepsReport(input: AttachedInput): Report {
  const compared = compareAttachedSteps(input, WORST);
  const { steps, report, system } = compared;
  const words = attachedWords(input);
  const validate = commandText(['validate', ...words, '--worst', String(report.worst.length)]);
  const everyStep = commandText(['validate', ...words, '--worst', String(steps.length), '--json']);
  const what = 'predicted from their profiles';
  const charted = { rows: steps.map(attachedRow), errors: report, what, words };
  return {
    title: `${countText(steps.length, 'step')} of attached models on ${steps[0]!.measured.record.device}`,
    subtitle: `${what} in ${input.profiles} and ${input.machine}`,
    verdict: stepVerdict(report, 'of attached models'),
    sections: [
      {
        id: 'predictions',
        title: 'Predicted and measured',
        parts: [
          scatterPart(charted, 'Simulated step times over measured ones', 'predicted-vs-measured'),
          distributionPart(charted, 'How the errors are distributed', 'error-distribution'),
        ],
      },
      {
        id: 'errors',
        title: 'Errors',
        parts: [
          ...classTables(report, { prefix: 'errors', command: validate }),
          ...quantityTable(
            'quantities',
            [{ what: 'GPU memory, claimed against the device', errors: report.memory }],
            validate,
          ),
          tablePart('worst', 'Farthest off', STEP_COLUMNS, report.worst, { command: validate }),
          orderTable('order', report.orders, `${validate} --json`),
          ...remarks(report),
        ],
      },
      {
        id: 'steps',
        title: 'Every step',
        parts: [
          tablePart('every-step', 'Every measured step and its predictions', STEP_COLUMNS, steps, {
            ...{ isFolded: true, command: everyStep },
          }),
        ],
      },
      machineSection([{ system, named: input.machine }]),
      environmentSection(input, compared),
      {
        id: 'commands',
        title: 'Commands',
        parts: [
          {
            kind: 'commands',
            commands: [
              { what: 'this report', command: commandText(['report', ...words, '--out', 'report.html']) },
              {
                what: 'its errors as text; with --json as one object',
                command: commandText(['validate', ...words]),
              },
            ],
          },
        ],
      },
    ],
    version: toolVersion(),
  };
}

/** What names the steps and what predicts them, behind `validate` and `plot predicted-vs-measured`. */
function attachedWords({ files, profiles, machine }: AttachedInput): string[] {
  return [...files, '--profiles', profiles, '--machine', machine];
}

const STEP_COLUMNS: readonly Column<ComparedAttached>[] = [
  { header: 'case', value: ({ measured }) => measured.record.case },
  { header: 'plan', value: ({ measured }) => measured.record.variant.key },
  { header: 'measured ms', value: ({ measured }) => measured.stepS * 1e3, digits: 2 },
  { header: 'simulated ms', value: ({ simulatedS }) => simulatedS * 1e3, digits: 2 },
  percentColumn('error %', ({ simulatedError }) => simulatedError),
  percentColumn('closed form %', ({ closedFormError }) => closedFormError),
  percentColumn('noise %', ({ noise }) => noise),
  { header: 'inside', value: ({ covered }) => (covered ? 'yes' : 'no') },
  percentColumn('memory %', ({ memoryError }) => memoryError, 2),
];

function remarks({ largestHostShare, otherBits, unsteady, notPredicted }: AttachedReport): Part[] {
  const named = (what: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${what}: ${names.length} (${names.join('; ')})`];
  const notes = [
    ...(largestHostShare === null
      ? []
      : [`Host time in hooks: at the most ${percentText(largestHostShare, 2)} of a step`]),
    ...named('Other bits than without offload', otherBits),
    ...named('Warmed up without becoming steady', unsteady),
    ...named('Measured beside, not predicted', notPredicted),
  ];
  return notes.length === 0 ? [] : [{ kind: 'notes', notes }];
}

function environmentSection({ files }: AttachedInput, compared: ComparedAttachedSteps): Section {
  const records = compared.steps.map(({ measured }) => measured.record);
  const all = (of: (record: (typeof records)[number]) => string | null) =>
    [...new Set(records.map((record) => of(record) ?? 'not recorded'))].sort().join(', ');
  const times = records.map(({ at }) => at).sort();
  const used = [...compared.profiles.values()].map(({ file }) => file);
  return {
    id: 'environment',
    title: 'Environment',
    parts: [
      {
        kind: 'facts',
        facts: [
          ['device', all(({ device }) => device)],
          ['driver', all(({ driver }) => driver)],
          ['CUDA', all(({ cuda }) => cuda)],
          ['NCCL', all(({ nccl }) => nccl)],
          [
            'versions',
            all(({ versions }) =>
              Object.entries(versions)
                .map(([name, is]) => `${name} ${is ?? '?'}`)
                .join(', '),
            ),
          ],
          ['attention', all(({ attention }) => attention)],
          ['measured', `${times[0]} to ${times.at(-1)}`],
          ['this report', toolVersion()],
        ],
      },
      filesTable([...files, ...used], 'Read for this report'),
    ],
  };
}

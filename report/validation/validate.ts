import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { DatasetReader, readSteps } from '../../studies/dataset/stepRecords.ts';
import { type Finding, type Limits, limitText, standingOf } from '../../studies/finding.ts';
import { readExperiment } from '../../studies/grid/experimentFile.ts';
import { compareSteps } from '../../studies/heldOut/compareSteps.ts';
import {
  HELD_OUT_LIMITS,
  heldOutFindings,
  heldOutStanding,
  type JudgedReport,
} from '../../studies/heldOut/findings.ts';
import { orderSummary } from '../../studies/heldOut/planOrder.ts';
import { type ClassErrors, heldOutReport } from '../../studies/heldOut/report.ts';
import { fixedText, percentText } from '../../studies/numberText.ts';
import { stepRow } from '../../studies/plots/predictedVsMeasured.ts';
import { publishedStepsChart } from '../../studies/plots/publishedSteps.ts';
import { closedFormPredictor } from '../../studies/published/steps/closedFormPredictor.ts';
import {
  compareRecords,
  groupRecords,
  type RecordGroup,
} from '../../studies/published/steps/compareRecords.ts';
import { readStepFolder } from '../../studies/published/steps/readSteps.ts';
import { regretFinding } from '../../studies/regret/finding.ts';
import { regretReport } from '../../studies/regret/report.ts';
import { attachedRow, compareAttachedSteps } from '../attached/attachedSteps.ts';
import { REGRET_COLUMNS } from '../experiment/choices.ts';
import { commandText } from '../parts/commandText.ts';
import { classTables } from '../parts/errorTables.ts';
import { type ChartedSteps, scatterPart } from '../parts/stepCharts.ts';
import { type Column, percentColumn, tablePart } from '../parts/table.ts';
import type { Part } from '../report.ts';
import { type Committed, committedMachine, committedPath } from './committed.ts';

/** What a committed dataset shows. */
export interface ValidatedDataset {
  committed: Committed;
  finding: Finding;
  /** The line of the summary; null for what has no step errors of its own. */
  errors: { all: ClassErrors; depth: string; tau: number | null } | null;
  parts: Part[];
  command: string;
  /** Named as its command does. */
  machine: { named: string; system: System } | null;
}

type Of<Kind extends Committed['kind']> = Extract<Committed, { kind: Kind }>;

/** Predicts a committed dataset anew. */
export function validateDataset(committed: Committed): ValidatedDataset {
  switch (committed.kind) {
    case 'steps':
      return validateSteps(committed);
    case 'attached':
      return validateAttached(committed);
    case 'published':
      return validatePublished(committed);
    case 'choices':
      return validateChoices(committed);
  }
}

function validateSteps(committed: Of<'steps'>): ValidatedDataset {
  const { files, machine } = committed;
  const system = loadSystem(committedMachine(machine));
  const steps = compareSteps(new DatasetReader(files.map(committedPath)), system);
  const report = heldOutReport(steps, 0);
  const words = [...files, '--machine', machine];
  const what = `programs of ${report.depth}`;
  return stepDataset(
    committed,
    { rows: steps.map(stepRow), errors: report, what, words },
    {
      ...{ report, depth: report.depth, system, machine },
    },
  );
}

function validateAttached(committed: Of<'attached'>): ValidatedDataset {
  const { files, profiles, machine } = committed;
  const input = {
    files: files.map(committedPath),
    profiles: committedPath(profiles),
    machine: committedMachine(machine),
  };
  const { steps, report, system } = compareAttachedSteps(input, 0);
  const words = [...files, '--profiles', profiles, '--machine', machine];
  const what = 'predicted from their profiles';
  return stepDataset(
    committed,
    { rows: steps.map(attachedRow), errors: report, what, words },
    {
      ...{ report, depth: 'as profiled', system, machine },
    },
  );
}

interface Judged {
  report: JudgedReport;
  depth: string;
  system: System;
  machine: string;
}

function stepDataset(
  committed: Of<'steps' | 'attached'>,
  charted: ChartedSteps,
  { report, depth, system, machine }: Judged,
): ValidatedDataset {
  const { id, what } = committed;
  const { simulated } = report.all;
  const tau = orderSummary(report.orders).kendallTau?.mean ?? null;
  const findings = heldOutFindings(report);
  const weak = findings.filter(({ standing }) => standing === 'in part' || standing === 'fails');
  const command = commandText(['validate', ...charted.words]);
  return {
    committed,
    finding: {
      about: `${simulated.n} ${what}`,
      standing: heldOutStanding(report),
      says:
        `95 of 100 within ${percentText(simulated.p95)}, the farthest ${percentText(simulated.largest)} off; MAPE ${percentText(simulated.mape)}` +
        `${tau === null ? '' : `; order of plans: tau ${fixedText(tau, 2)}`}${weak.length === 0 ? '' : `; weak: ${weak.map(({ about }) => about).join(', ')}`}`,
      limit: HELD_OUT_LIMITS,
    },
    errors: { all: report.all, depth, tau },
    parts: [
      scatterPart(charted, 'Simulated step times over measured ones', `${id}-steps`),
      ...classTables(charted.errors, { prefix: id, command }).map((table) => ({ ...table, isFolded: true })),
    ],
    command,
    machine: { named: machine, system },
  };
}

/** Intervals say 95 of 100. */
const COVERAGE: Limits = { holds: 0.9, inPart: 0.75, isLeast: true };

const GROUP_COLUMNS: readonly Column<RecordGroup>[] = [
  { header: 'of', value: ({ name }) => name },
  { header: 'by', value: ({ kind }) => kind },
  { header: 'figures', value: ({ count }) => count },
  { header: 'median ratio', value: ({ medianRatio }) => medianRatio, digits: 2 },
  percentColumn('median error %', ({ medianAbsoluteError }) => medianAbsoluteError),
  percentColumn('largest %', ({ largestAbsoluteError }) => largestAbsoluteError),
  percentColumn('inside the interval %', ({ coverage }) => coverage, 0),
  { header: 'high / low', value: ({ medianWidth }) => medianWidth, digits: 2 },
];

function validatePublished(committed: Of<'published'>): ValidatedDataset {
  const { compared } = compareRecords(readStepFolder(), closedFormPredictor);
  const groups = groupRecords(compared);
  const all = groups.find(({ kind }) => kind === 'all')!;
  const command = commandText(['validate', 'published-steps']);
  const about = `${all.count} ${committed.what}`;
  const coverage = all.coverage ?? 0;
  const says = `median error ${percentText(all.medianAbsoluteError)}, ${percentText(coverage, 0)} inside the interval`;
  return {
    committed,
    finding: {
      about,
      says,
      standing: standingOf(all.coverage, COVERAGE),
      limit: `inside the interval: ${limitText(COVERAGE)}`,
    },
    errors: null,
    parts: [
      {
        ...{ kind: 'chart', id: 'published-chart', chart: publishedStepsChart(compared, about) },
        says: `Each of ${all.count} published step times with the interval of its prediction: ${says}.`,
        command: commandText(['plot', 'published-steps', '--out', 'published-steps.svg']),
      },
      tablePart('published-groups', 'Errors by group of figures', GROUP_COLUMNS, groups, {
        isFolded: true,
        command,
      }),
    ],
    command,
    machine: null,
  };
}

function validateChoices(committed: Of<'choices'>): ValidatedDataset {
  const { experiment, files, machine } = committed;
  const system = loadSystem(committedMachine(machine));
  const read = readExperiment(committedPath(experiment));
  const regrets = regretReport(read, readSteps(files.map(committedPath)), ['eager'], system);
  const command = commandText(['regret', experiment, ...files, '--machine', machine]);
  return {
    committed,
    finding: { ...regretFinding(regrets), about: committed.what },
    errors: null,
    parts: [
      tablePart(
        'choices-regret',
        `Choices of ${read.name} and the fastest plan within the cap of each`,
        REGRET_COLUMNS,
        regrets.regrets,
        {
          command,
        },
      ),
    ],
    command,
    machine: { named: machine, system },
  };
}

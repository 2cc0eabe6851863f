import { depthText } from '../../studies/dataset/programDepth.ts';
import { type ComparedStep, samplesOf, whereOf } from '../../studies/heldOut/compareSteps.ts';
import { noiseFinding } from '../../studies/heldOut/findings.ts';
import type { HeldOutReport } from '../../studies/heldOut/report.ts';
import { type Column, percentColumn, tablePart } from '../parts/table.ts';
import type { Part, TablePart } from '../report.ts';

const STEP: readonly Column<ComparedStep>[] = [
  { header: 'cell', value: ({ run }) => run.cell.id },
  { header: 'plan', value: ({ run }) => run.plan },
  { header: 'measured on', value: ({ run }) => whereOf(run) },
];

const TIMES: readonly Column<ComparedStep>[] = [
  { header: 'measured ms', value: ({ run }) => run.stepS * 1e3, digits: 2 },
  { header: 'simulated ms', value: ({ simulatedS }) => simulatedS * 1e3, digits: 2 },
  percentColumn('error %', ({ simulatedError }) => simulatedError),
  percentColumn('closed form %', ({ closedFormError }) => closedFormError),
  percentColumn('noise %', ({ noise }) => noise),
];

/** The steps whose predictions are farthest off, and in which part of their time. */
export function worstTable({ worst, parts }: HeldOutReport, command: string): TablePart {
  const columns = [
    ...STEP,
    ...TIMES,
    ...(parts === null
      ? []
      : (['compute', 'collective'] as const).map((category) =>
          percentColumn<ComparedStep>(`${category} %`, (step) =>
            step.parts === null ? null : (step.parts[category] ?? 0),
          ),
        )),
  ];
  return tablePart('worst', 'Farthest off', columns, worst, {
    command,
  });
}

/** Errors of each category's time; none without timelines. */
export function partsTable({ parts }: HeldOutReport, command: string): Part[] {
  if (parts === null) return [];
  const caption = 'Where the time is predicted otherwise, as a share of the step';
  return [tablePart('parts', caption, PART_COLUMNS, parts, { command })];
}

const PART_COLUMNS: readonly Column<NonNullable<HeldOutReport['parts']>[number]>[] = [
  { header: 'category', value: ({ category }) => category },
  percentColumn('mean absolute %', ({ mean }) => mean, 2),
  percentColumn('bias %', ({ bias }) => bias, 2),
];

const NOISIEST = 10;

/** How far the rounds of the measurements lie apart, and of which most. */
export function noisiestTable(
  steps: readonly ComparedStep[],
  { all }: HeldOutReport,
  command: string,
): Part[] {
  const { says } = noiseFinding(all);
  const plans = new Map(steps.map((step) => [samplesOf(step.run), step]));
  const noisy = [...plans.values()].filter((step) => step.noise !== null);
  const noisiest = noisy.sort((one, other) => other.noise! - one.noise!).slice(0, NOISIEST);
  const remark: Part = { kind: 'notes', notes: [`${says[0]!.toUpperCase()}${says.slice(1)}.`] };
  if (noisiest.length === 0) return [remark];
  const columns = [...STEP, TIMES[0]!, TIMES[2]!, TIMES[4]!];
  return [
    remark,
    tablePart('noisiest', 'Plans whose rounds lie furthest apart', columns, noisiest, { command }),
  ];
}

/** Every step; none of its numbers is elsewhere a mean only. */
export function stepsTable(steps: readonly ComparedStep[], command: string): TablePart {
  const columns: Column<ComparedStep>[] = [
    ...STEP,
    { header: 'depth', value: ({ depth }) => depthText(depth) },
    { header: 'launch', value: ({ run }) => run.mode },
    TIMES[0]!,
    TIMES[1]!,
    { header: 'closed form ms', value: ({ closedFormS }) => closedFormS * 1e3, digits: 2 },
    ...TIMES.slice(2),
    { header: 'inside', value: ({ covered }) => (covered ? 'yes' : 'no') },
    percentColumn('memory %', ({ memoryError }) => memoryError, 2),
  ];
  return tablePart('every-step', 'Every measured step and its predictions', columns, steps, {
    isFolded: true,
    command,
  });
}

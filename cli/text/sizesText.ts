import type { PlanChoice } from '../../documents/planChoice.ts';
import type { PlanReport } from '../../documents/planReport.ts';
import type { Prediction } from '../../documents/prediction.ts';
import type { Simulation } from '../../documents/simulation.ts';
import type { WorkloadFields } from '../../documents/workload.ts';
import { bestPlan, significantMs } from './answer.ts';
import { BOUND_WORDS, fitsMachine } from './boundWords.ts';
import type { Layout } from './layout.ts';
import { type Column, formatTable } from './table.ts';
import { settingText } from './workloadText.ts';

type OfPlans = Prediction | Simulation;

/** A size, and the plan that answers for it; null where none fits. */
interface SizeRow {
  workload: WorkloadFields;
  best: Pick<PlanReport, 'plan' | 'stepTimeS' | 'versusNone' | 'gpuPeakBytes' | 'boundBy' | 'request'> | null;
  intervalS: readonly number[] | null;
}

function sizeColumns(how: string): Column<SizeRow>[] {
  return [
    { header: 'size', value: ({ workload }) => sizeText(workload) },
    { header: 'tokens', value: ({ workload }) => (workload.from === 'model' ? workload.tokens : null) },
    {
      header: how,
      value: ({ best }) => best?.plan ?? 'none fits',
      tone: ({ best }) => (best ? 'best' : 'refused'),
    },
    { header: 'step ms', value: ({ best }) => best && best.stepTimeS * 1e3, digits: 1 },
    { header: '95 % interval', value: ({ intervalS }) => intervalS?.map(significantMs).join('-') ?? null },
    { header: 'vs none', value: ({ best }) => best?.versusNone ?? null, digits: 2 },
    { header: 'GPU GiB', value: ({ best }) => best && best.gpuPeakBytes / 2 ** 30, digits: 1 },
    { header: 'bound by', value: ({ best }) => best && BOUND_WORDS[best.boundBy] },
  ];
}

const REQUEST: Column<SizeRow> = {
  header: 'request s',
  value: ({ best }) => best?.request?.totalS ?? null,
  digits: 1,
};

function sizeText(workload: WorkloadFields): string {
  if (workload.from === 'profile') return '';
  const { width, height, frames } = workload;
  return `${width}x${height}${frames > 1 ? `x${frames}` : ''}`;
}

/** Several sizes: the plan that answers for each, and all plans' steps. */
export function sizesText(
  documents: readonly OfPlans[],
  { how, spIsDefault, layout }: { how: string; spIsDefault: boolean; layout: Layout },
): string {
  const rows = documents.map(({ workload, plans }): SizeRow => {
    const best = bestPlan<PlanReport>(plans);
    return { workload, best, intervalS: best?.doubt.stepS ?? null };
  });
  const hasRequest = rows.some(({ best }) => best?.request != null);
  const columns = [...sizeColumns('fastest that fits'), ...(hasRequest ? [REQUEST] : [])];
  const misfit = documents.some(({ plans }) => plans.some(({ boundBy }) => !fitsMachine(boundBy)));
  return [
    setting(
      documents,
      documents[0]!.plans.map(({ transport }) => transport),
      spIsDefault,
      layout,
    ),
    `${how}, one step of one rank:\n\n`,
    formatTable(columns, rows, layout),
    '\nms a step of every plan:\n\n',
    formatTable(everyPlan(documents), documents, layout),
    ...(misfit ? ['* does not fit\n'] : []),
  ].join('');
}

/** Plans are the same of every size, by their place. */
function everyPlan([first]: readonly OfPlans[]): Column<OfPlans>[] {
  const step = ({ stepTimeS, boundBy }: PlanReport) => {
    const ms = (stepTimeS * 1e3).toLocaleString('en-US', {
      minimumFractionDigits: 1,
      maximumFractionDigits: 1,
    });
    return `${ms}${fitsMachine(boundBy) ? '' : '*'}`;
  };
  return [
    { header: 'size', value: ({ workload }) => sizeText(workload) },
    ...first!.plans.map(
      ({ plan }, index): Column<OfPlans> => ({
        ...{ header: plan, value: ({ plans }: OfPlans) => step(plans[index]!), right: true },
        tone: ({ plans }) => (plans[index] === bestPlan<PlanReport>(plans) ? 'best' : null),
      }),
    ),
  ];
}

/** Several sizes: the choice for each. */
export function chosenSizesText(
  documents: readonly PlanChoice[],
  spIsDefault: boolean,
  layout: Layout,
): string {
  const rows = documents.map(({ workload, choice, verdict }): SizeRow & { how: string } => ({
    ...{ workload, best: { ...choice, request: null }, intervalS: choice.doubt.stepS },
    how: verdict.split(': ')[0]!,
  }));
  const columns = sizeColumns('plan').filter(({ header }) => header !== 'plan');
  const how = { header: 'how', value: (row: SizeRow) => (row as (typeof rows)[number]).how };
  return [
    setting(
      documents,
      documents.map(({ choice }) => choice.transport),
      spIsDefault,
      layout,
    ),
    'The choice for each size, simulated, one step of one rank:\n\n',
    formatTable([...columns, how], rows, layout),
  ].join('');
}

function setting(
  documents: readonly Pick<Prediction, 'machine' | 'workload'>[],
  transports: readonly string[],
  spIsDefault: boolean,
  layout: Layout,
): string {
  return settingText(documents, transports, spIsDefault, layout);
}

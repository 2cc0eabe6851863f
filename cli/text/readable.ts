import type { PlanReport } from '../../documents/planReport.ts';
import type { Prediction } from '../../documents/prediction.ts';
import type { Simulation } from '../../documents/simulation.ts';
import { grouped } from '../../model/input/grouped.ts';
import { answerText, bestPlan, significantMs } from './answer.ts';
import { barLegend, stepBar } from './bar.ts';
import { BOUND_WORDS, fitsMachine } from './boundWords.ts';
import { type Layout, toned } from './layout.ts';
import { requestText } from './requestText.ts';
import { type Column, formatTable } from './table.ts';
import { settingText } from './workloadText.ts';
import { paragraph } from './wrap.ts';

/** Columns of a table of plans: what is asked first, then where the time goes. */
function planColumns<Report extends PlanReport>(
  plans: readonly Report[],
  own: readonly Column<Report>[],
): Column<Report>[] {
  const best = bestPlan(plans);
  const longestS = Math.max(...plans.map(({ stepTimeS }) => stepTimeS));
  const isBest = (report: Report) => (report === best ? 'best' : null);
  return [
    { header: 'plan', value: (report) => report.plan, tone: isBest },
    { header: 'step ms', value: (report) => report.stepTimeS * 1e3, digits: 1, tone: isBest },
    { header: 'bar', value: (report) => stepBar(report, longestS), tone: isBest },
    { header: '95 % interval', value: ({ doubt: { stepS } }) => stepS.map(significantMs).join('-') },
    { header: 'vs none', value: (report) => report.versusNone, digits: 2 },
    { header: 'GPU GiB', value: (report) => report.gpuPeakBytes / 2 ** 30, digits: 1 },
    { header: 'host GiB', value: (report) => report.hostPinnedBytes / 2 ** 30, digits: 1 },
    {
      header: 'bound by',
      value: (report) => BOUND_WORDS[report.boundBy],
      tone: (report) => (fitsMachine(report.boundBy) ? null : 'refused'),
    },
    ...own,
    { header: 'compute ms', value: (report) => report.computeS * 1e3, digits: 1 },
    { header: 'collective ms', value: (report) => report.collectiveS * 1e3, digits: 1 },
    { header: 'exposed ms', value: (report) => report.exposedPrefetchS * 1e3, digits: 1 },
    { header: 'inflation ms', value: (report) => report.collectiveInflationS * 1e3, digits: 1 },
  ];
}

/**
 * A document as a person reads it: the answer, what runs where, one row per plan, and a sentence on each.
 *
 * @param own columns that only these reports have.
 * @param how what made the numbers, such as `closed form`
 */
export function readable<Report extends PlanReport>(
  document: (Prediction | Simulation) & { plans: readonly Report[] },
  own: readonly Column<Report>[],
  { how, spIsDefault, layout }: { how: string; spIsDefault: boolean; layout: Layout },
): string {
  const { plans } = document;
  const verdicts = plans.flatMap(({ plan, verdict, notes = [] }) => [
    paragraph(`${plan}: ${verdict}`, layout),
    ...notes.map((note) => paragraph(`  note: ${note}`, layout)),
  ]);
  const transports = plans.map(({ transport }) => transport);
  return [
    toned(paragraph(answerText(plans), layout), 'title', layout),
    '\n',
    settingText([document], transports, spIsDefault, layout),
    `${how}, one step of one rank:\n\n`,
    formatTable(planColumns(plans, own), plans, layout),
    barLegend(plans),
    '\n',
    ...verdicts,
    ...doubtLines(plans).map((line) => paragraph(line, layout)),
    paragraph(paperLine(document.paperCriterion), layout),
    requestText(plans, layout),
  ].join('');
}

/** What decides the intervals: once for plans of which the same is said. */
function doubtLines(plans: readonly PlanReport[]): string[] {
  const said = grouped(plans, ({ doubt }) => doubt.says);
  return [...said].map(([what, those]) => {
    const shares = those.map(({ doubt }) => Math.round(100 * doubt.share));
    const [least, most] = [Math.min(...shares), Math.max(...shares)];
    const of = said.size === 1 ? '' : `${those.map(({ plan }) => plan).join(', ')}: `;
    return `${of}${least === most ? most : `${least} to ${most}`} % of the doubt is ${what}`;
  });
}

function paperLine({ prefetchS, computeS, hidden }: Prediction['paperCriterion']): string {
  const ms = (seconds: number) => `${(seconds * 1e3).toFixed(1)} ms`;
  const says = hidden ? 'hidden' : 'not hidden';
  return `paper-criterion (ignores collectives): ${says}, ${ms(prefetchS)} of prefetch against ${ms(computeS)} of compute in an average block`;
}

import type { Answers } from '../../../library/plan/choiceDocument.ts';
import { planChoiceOf } from '../../../library/plan/planChoiceOf.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import { FILES } from '../../../model/scenario/files.ts';
import { type Scenario, scenarioOf } from '../../../model/scenario/scenario.ts';
import type { Workload } from '../../../model/workload/workload.ts';
import { refuseOtherCharts, writeChart } from '../../files/chartFile.ts';
import { holdsManyPlans, refuseOtherPlanFiles, savePlans } from '../../files/savePlans.ts';
import { jsonText, type Output } from '../../output.ts';
import { startProgress } from '../../text/progress.ts';
import { FRONT_POINTS, type PlanFlags } from './command.ts';
import { pointName } from './frontText.ts';
import { readableChoice } from './readable.ts';

/** Finds the best plan for a workload within caps on memory, and answers what else is asked about it. */
export async function run(flags: PlanFlags, output: Output): Promise<void> {
  const { savePlan, chart } = flags;
  if (savePlan !== undefined) refuseOtherPlanFiles(savePlan);
  if (chart !== undefined) refuseOtherCharts({ out: chart }, '--chart');
  const front = flags.front ?? (chart === undefined ? undefined : FRONT_POINTS.usual);
  const scenario = scenarioOf(flags, FILES);
  const { document, answers } = await planChoiceOf(
    scenario,
    front === undefined ? flags : { ...flags, front },
    (total) => startProgress(output, 'caps', total),
  );
  if (savePlan !== undefined)
    savePlans(savePlan, plansFor(savePlan, answers), scenario.workload, scenario.system);
  if (chart !== undefined) await drawFront(chart, scenario, answers);
  output.result(flags.json ? jsonText(document) : readableChoice(document, scenario.spIsDefault));
  if (savePlan !== undefined) output.diagnostic(`wrote ${savePlan}; ${howToTake(savePlan)}\n`);
  if (chart !== undefined) output.diagnostic(`wrote ${chart}\n`);
}

/** The choice; in a file of many with the nominal plan, where it is another, and those of the front, by names that are easy to type. */
function plansFor(file: string, { optimum, uncertainty, front }: Answers): Plan[] {
  if (!holdsManyPlans(file)) return [optimum.plan];
  return [
    { ...optimum.plan, name: 'choice' },
    ...(uncertainty === null || uncertainty.nominal.plan === optimum.plan
      ? []
      : [{ ...uncertainty.nominal.plan, name: 'nominal' }]),
    ...(front ?? []).map(({ plan }, index) => ({ ...plan, name: pointName(index) })),
  ];
}

function howToTake(file: string): string {
  return `other commands take it as --plan ${file}${holdsManyPlans(file) ? '#choice' : ''}`;
}

async function drawFront(
  file: string,
  { workload, system }: Scenario,
  { front, compared }: Answers,
): Promise<void> {
  const { frontChart } = await import('../../../studies/plots/frontChart.ts');
  const title = `${workload.model.name}${sizeText(workload)}, ${system.name}`;
  const predicted = front!.map(({ report, bound }) => ({ ...report, boundS: bound.stepTimeS }));
  await writeChart(
    frontChart({ predicted, noneS: compared[0]!.report.stepTimeS }, title),
    { out: file },
    '--chart',
  );
}

function sizeText(workload: Workload): string {
  if (workload.from === 'profile') return '';
  const { width, height, frames } = workload.size;
  return ` at ${width}x${height}${frames > 1 ? `x${frames}` : ''}`;
}

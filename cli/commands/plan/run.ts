import type { PlanChoice } from '../../../documents/planChoice.ts';
import type { Answers } from '../../../library/plan/choiceDocument.ts';
import { planChoiceOf } from '../../../library/plan/planChoiceOf.ts';
import type { PlanQuestion } from '../../../library/plan/question.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import { FILES } from '../../../model/scenario/files.ts';
import { type Scenario, scenarioOf } from '../../../model/scenario/scenario.ts';
import type { Workload } from '../../../model/workload/workload.ts';
import { refuseOtherCharts, writeChart } from '../../files/chartFile.ts';
import { holdsManyPlans, refuseOtherPlanFiles, savePlans } from '../../files/savePlans.ts';
import { questionsOf } from '../../flags/sizes.ts';
import { jsonText, type Output } from '../../output.ts';
import { sayLink } from '../../text/link.ts';
import { startProgress } from '../../text/progress.ts';
import { chosenSizesText } from '../../text/sizesText.ts';
import { FRONT_POINTS, type PlanFlags } from './command.ts';
import { pointName } from './frontText.ts';
import { readableChoice } from './readable.ts';
import { whatRuns } from './whatRuns.ts';

/** Finds the best plan for a workload within caps on memory, at each size, and answers what else is asked about it. */
export async function run(flags: PlanFlags, output: Output): Promise<void> {
  const { savePlan, chart } = flags;
  if (savePlan !== undefined) refuseOtherPlanFiles(savePlan);
  if (chart !== undefined) refuseOtherCharts({ out: chart }, '--chart');
  const front = flags.front ?? (chart === undefined ? undefined : FRONT_POINTS.usual);
  const ofOne = (['savePlan', 'chart', 'explain', 'front', 'uncertain', 'for', 'link'] as const).flatMap(
    (key) => (flags[key] === undefined ? [] : [`--${key === 'savePlan' ? 'save-plan' : key}`]),
  );
  const questions = questionsOf<PlanQuestion>({ ...flags, ...(front !== undefined && { front }) }, ofOne);
  const chosen: { scenario: Scenario; document: PlanChoice; answers: Answers }[] = [];
  for (const question of questions) {
    const scenario = scenarioOf(question, FILES);
    const { document, answers } = await planChoiceOf(scenario, question, (total) =>
      startProgress(output, 'caps', total),
    );
    const runs = whatRuns(scenario, answers.optimum.plan);
    chosen.push({ scenario, answers, document: { ...document, runs } });
  }
  const [{ scenario, answers }] = chosen as [(typeof chosen)[number]];
  if (savePlan !== undefined)
    savePlans(savePlan, plansFor(savePlan, answers), scenario.workload, scenario.system);
  if (chart !== undefined) await drawFront(chart, scenario, answers);
  print(
    chosen.map(({ document }) => document),
    scenario.spIsDefault,
    flags.json === true,
    output,
  );
  sayLink(flags.link, questions[0]!, output);
  if (savePlan !== undefined) output.diagnostic(`wrote ${savePlan}; ${howToTake(savePlan)}\n`);
  if (chart !== undefined) output.diagnostic(`wrote ${chart}\n`);
}

function print(documents: readonly PlanChoice[], spIsDefault: boolean, json: boolean, output: Output): void {
  const [first, ...others] = documents;
  const { layout } = output;
  if (json)
    output.result(jsonText(others.length === 0 ? first : { schema: 'chunkflow/sizes@1', sizes: documents }));
  else if (others.length === 0) output.result(readableChoice(first!, spIsDefault, layout));
  else output.result(chosenSizesText(documents, spIsDefault, layout));
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

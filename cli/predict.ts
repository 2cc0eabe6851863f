import { predict } from '../model/hiding/predict.ts';
import { UserError } from '../model/input/userError.ts';
import { outputSchemas, type Prediction } from '../model/outputSchema.ts';
import { isPlanFile, planText } from '../model/plan/planFile.ts';
import { planLine } from '../model/plan/planLines.ts';
import { comparePlans } from './compare.ts';
import type { ScenarioFlags } from './options.ts';
import { jsonText, type Output } from './output.ts';
import { PLAN_COLUMNS, readable } from './readable.ts';
import { buildScenario, type Scenario } from './scenario.ts';
import { planFields, scenarioFields } from './scenarioFields.ts';
import { writeWholeFile } from './wholeFile.ts';

/** Predicts each plan's step in closed form. */
export function predictCommand(flags: ScenarioFlags & { savePlan?: string }, output: Output): void {
  const scenario = buildScenario(flags);
  const { workload, system } = scenario;
  if (flags.savePlan !== undefined) savePlan(flags.savePlan, scenario);
  const compared = comparePlans(scenario, output, (plan) => ({ report: predict(workload, system, plan) }));
  const document = outputSchemas.prediction.parse({
    schema: 'chunkflow/prediction@1',
    ...scenarioFields(scenario),
    plans: compared.map(({ result, baseline }) => planFields(result.report, baseline, scenario)),
  } satisfies Prediction);
  const { spIsDefault } = scenario;
  output.result(
    flags.json ? jsonText(document) : readable(document, PLAN_COLUMNS, { how: 'Closed form', spIsDefault }),
  );
}

function savePlan(file: string, { plans, workload }: Scenario): void {
  if (!isPlanFile(file))
    throw new UserError(`--save-plan ${file}: expected a name that ends in .json, or .jsonl for several`);
  if (file.endsWith('.jsonl')) {
    writeWholeFile(file, plans.map((plan) => planLine(plan, workload)).join(''), '--save-plan');
    return;
  }
  const [plan, ...others] = plans;
  if (plan === undefined || others.length > 0)
    throw new UserError(
      `--save-plan ${file}: holds one plan, and there are ${plans.length}; give one --plan, or a name that ends in .jsonl`,
    );
  writeWholeFile(file, planText(plan, workload), '--save-plan');
}

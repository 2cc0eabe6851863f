import { predict } from '../model/analytic/predict.ts';
import { comparePlans } from './compare.ts';
import type { ScenarioFlags } from './options.ts';
import { jsonText, type Output } from './output.ts';
import { outputSchemas, type Prediction } from './outputSchema.ts';
import { PLAN_COLUMNS, readable } from './readable.ts';
import { savePlans } from './savePlans.ts';
import { buildScenario } from './scenario.ts';
import { planFields, scenarioFields } from './scenarioFields.ts';

/** Predicts each plan's step in closed form. */
export function predictCommand(flags: ScenarioFlags & { savePlan?: string }, output: Output): void {
  const scenario = buildScenario(flags);
  const { workload, system } = scenario;
  if (flags.savePlan !== undefined) savePlans(flags.savePlan, scenario.plans, workload, scenario.system);
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

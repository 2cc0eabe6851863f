import { predict } from '../../../model/analytic/predict.ts';
import { comparePlans } from '../../compare.ts';
import { type Prediction, predictionFormat } from '../../documents/prediction.ts';
import { planFields, scenarioFields } from '../../documents/scenarioFields.ts';
import { savePlans } from '../../files/savePlans.ts';
import { jsonText, type Output } from '../../output.ts';
import { buildScenario } from '../../scenario.ts';
import { PLAN_COLUMNS, readable } from '../../text/readable.ts';
import type { PredictFlags } from './command.ts';

/** Predicts each plan's step in closed form. */
export function run(flags: PredictFlags, output: Output): void {
  const scenario = buildScenario(flags);
  const { workload, system } = scenario;
  if (flags.savePlan !== undefined) savePlans(flags.savePlan, scenario.plans, workload, scenario.system);
  const compared = comparePlans(scenario, output, (plan) => ({ report: predict(workload, system, plan) }));
  const document = predictionFormat.parse({
    schema: 'chunkflow/prediction@1',
    ...scenarioFields(scenario),
    plans: compared.map(({ plan, result, baseline }) => planFields(plan, result.report, baseline, scenario)),
  } satisfies Prediction);
  const { spIsDefault } = scenario;
  output.result(
    flags.json ? jsonText(document) : readable(document, PLAN_COLUMNS, { how: 'Closed form', spIsDefault }),
  );
}

import { type Prediction, predictionFormat } from '../documents/prediction.ts';
import { predict } from '../model/analytic/predict.ts';
import type { RequestFacts } from '../model/analytic/request.ts';
import { predictStep } from '../model/analytic/stepReport.ts';
import { CHECKED_ONCE } from '../model/input/checkedOnce.ts';
import type { Scenario } from '../model/scenario/scenario.ts';
import { comparePlans } from './comparePlans.ts';
import { UNWATCHED, type Watch } from './progress.ts';
import { planFields, scenarioFields } from './scenarioFields.ts';

export interface PredictionOptions {
  /** Whether break-evens are looked for, which takes most of the time; they are null otherwise. True unless given. */
  breakEven?: boolean;
  watch?: Watch;
}

/** Each plan of a scenario in closed form, as the JSON of `predict` has it. */
export function predictionOf(
  scenario: Scenario,
  request: RequestFacts | null = null,
  { breakEven = true, watch = UNWATCHED }: PredictionOptions = {},
): Prediction {
  const { workload, system } = scenario;
  const interpret = breakEven ? predict : predictStep;
  const compared = comparePlans(scenario, watch, (plan) => ({ report: interpret(workload, system, plan) }));
  const document: Prediction = {
    schema: 'chunkflow/prediction@1',
    ...scenarioFields(scenario),
    plans: compared.map((one) => planFields(one, scenario, request)),
  };
  return predictionFormat.parse(document, CHECKED_ONCE);
}

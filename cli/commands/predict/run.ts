import { predictionOf } from '../../../library/predictionOf.ts';
import { FILES } from '../../../model/scenario/files.ts';
import { requestFacts } from '../../../model/scenario/requestFacts.ts';
import { scenarioOf } from '../../../model/scenario/scenario.ts';
import { savePlans } from '../../files/savePlans.ts';
import { jsonText, type Output } from '../../output.ts';
import { startProgress } from '../../text/progress.ts';
import { PLAN_COLUMNS, readable } from '../../text/readable.ts';
import type { PredictFlags } from './command.ts';

/** Predicts each plan's step in closed form. */
export function run(flags: PredictFlags, output: Output): void {
  const request = requestFacts(flags);
  const scenario = scenarioOf(flags, FILES);
  const { workload, system, plans, spIsDefault } = scenario;
  if (flags.savePlan !== undefined) savePlans(flags.savePlan, plans, workload, system);
  const document = predictionOf(scenario, request, {
    watch: (total) => startProgress(output, 'plans', total),
  });
  output.result(
    flags.json ? jsonText(document) : readable(document, PLAN_COLUMNS, { how: 'Closed form', spIsDefault }),
  );
}

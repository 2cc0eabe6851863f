import { predictionOf } from '../../../library/predictionOf.ts';
import { FILES } from '../../../model/scenario/files.ts';
import type { ScenarioQuestion } from '../../../model/scenario/question.ts';
import { requestFacts } from '../../../model/scenario/requestFacts.ts';
import { scenarioOf } from '../../../model/scenario/scenario.ts';
import { savePlans } from '../../files/savePlans.ts';
import { questionsOf } from '../../flags/sizes.ts';
import type { Output } from '../../output.ts';
import { printPlans } from '../../printPlans.ts';
import { sayLink } from '../../text/link.ts';
import { startProgress } from '../../text/progress.ts';
import type { PredictFlags } from './command.ts';

/** Predicts each plan's step in closed form, at each size. */
export function run(flags: PredictFlags, output: Output): void {
  const request = requestFacts(flags);
  const ofOne = [
    ...(flags.savePlan === undefined ? [] : [`--save-plan ${flags.savePlan}`]),
    ...(flags.link === undefined ? [] : ['--link']),
  ];
  const questions = questionsOf<ScenarioQuestion>(flags, ofOne);
  const scenarios = questions.map((question) => scenarioOf(question, FILES));
  const [{ workload, system, plans, spIsDefault }] = scenarios as [(typeof scenarios)[number]];
  if (flags.savePlan !== undefined) savePlans(flags.savePlan, plans, workload, system);
  const documents = scenarios.map((scenario) =>
    predictionOf(scenario, request, { watch: (total) => startProgress(output, 'plans', total) }),
  );
  printPlans(documents, [], { how: 'Closed form', spIsDefault, json: flags.json === true }, output);
  sayLink(flags.link, questions[0]!, output);
}

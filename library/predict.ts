import type { Prediction } from '../documents/prediction.ts';
import { FILES } from '../model/scenario/files.ts';
import type { RequestQuestion, ScenarioQuestion } from '../model/scenario/question.ts';
import { requestFacts } from '../model/scenario/requestFacts.ts';
import { scenarioOf } from '../model/scenario/scenario.ts';
import { predictionOf } from './predictionOf.ts';

/**
 * Predicts the step time of each plan in closed form, as `chunkflow predict --json` prints it.
 *
 * @returns times in seconds, memory in bytes, with a 95 % interval of each step.
 * @throws UserError for whatever of the question does not fit, with the remedy.
 * @example
 * const { plans } = predict({ model: 'wan2.1-t2v-14b', size: '832x480x81', machine: 'h200-x2', plan: ['none', 'yield'] });
 * console.log(plans[1].stepTimeS, plans[1].doubt.stepS, plans[1].verdict);
 */
export function predict(question: ScenarioQuestion & RequestQuestion): Prediction {
  return predictionOf(scenarioOf(question, FILES), requestFacts(question));
}

import type { Simulation } from '../documents/simulation.ts';
import { FILES } from '../model/scenario/files.ts';
import type { RequestQuestion, ScenarioQuestion } from '../model/scenario/question.ts';
import { requestFacts } from '../model/scenario/requestFacts.ts';
import { scenarioOf } from '../model/scenario/scenario.ts';
import { simulationOf } from './simulationOf.ts';

/**
 * Simulates a steady step of each plan, as `chunkflow simulate --json` prints it.
 *
 * @returns times in seconds, memory in bytes, beside the closed form's answer.
 * @throws UserError for whatever of the question does not fit, with the remedy.
 * @example
 * const { plans } = simulate({ model: 'flux.1-dev', machine: 'h200-x2', plan: ['layerwise'] });
 * console.log(plans[0].stepTimeS / plans[0].closedFormStepTimeS);
 */
export function simulate(question: ScenarioQuestion & RequestQuestion): Simulation {
  return simulationOf(scenarioOf(question, FILES), requestFacts(question)).document;
}

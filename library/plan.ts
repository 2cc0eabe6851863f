import type { PlanChoice } from '../documents/planChoice.ts';
import { FILES } from '../model/scenario/files.ts';
import { scenarioOf } from '../model/scenario/scenario.ts';
import { planChoiceOf } from './plan/planChoiceOf.ts';
import type { PlanQuestion } from './plan/question.ts';

/**
 * Finds the fastest plan within caps on memory, as `chunkflow plan --json` prints it; its `plan` is a plan file's content.
 *
 * @returns times in seconds, memory in bytes, with how far the choice is from a bound that no plan goes below.
 * @throws UserError where nothing fits the caps, and for whatever of the question does not fit, with the remedy.
 * @example
 * const { choice, verdict } = await plan({ model: 'flux.1-dev', machine: 'h200-x2', gpuMemory: '12GiB' });
 * console.log(choice.stepTimeS, choice.gpuPeakBytes, verdict);
 */
export async function plan(question: PlanQuestion): Promise<PlanChoice> {
  return (await planChoiceOf(scenarioOf(question, FILES), question)).document;
}

import { type PlanChoice, planChoiceFormat } from '../../documents/planChoice.ts';
import { CHECKED_ONCE } from '../../model/input/checkedOnce.ts';
import type { Scenario } from '../../model/scenario/scenario.ts';
import type { Watch } from '../progress.ts';
import { answersTo } from './answers.ts';
import { type Answers, choiceDocument } from './choiceDocument.ts';
import type { PlanQuestion } from './question.ts';

/** A choice as the JSON of `plan` has it, and the plans themselves. */
export interface Chosen {
  document: PlanChoice;
  answers: Answers;
}

/**
 * The best plan of a scenario within caps on memory, and what else is asked about it.
 *
 * @param scenario of the same question, with `none` first among its plans.
 * @throws UserError where nothing fits the caps.
 */
export async function planChoiceOf(
  scenario: Scenario,
  question: PlanQuestion,
  watch?: Watch,
): Promise<Chosen> {
  const answers = await answersTo(question, scenario, watch);
  return { document: planChoiceFormat.parse(choiceDocument(scenario, answers), CHECKED_ONCE), answers };
}

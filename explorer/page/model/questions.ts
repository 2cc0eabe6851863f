import type { PlanQuestion } from '../../../library/plan/question.ts';
import type { RequestQuestion, ScenarioQuestion } from '../../../model/scenario/question.ts';
import type { ExplorerState } from '../../state.ts';
import { sidesOf } from './sides.ts';

/** Plan A, plan B, and no offload, which both are held against. */
export function predictionQuestion(state: ExplorerState): ScenarioQuestion & RequestQuestion {
  const { gpuMemory: _, hostMemory: __, ...question } = state;
  return { ...question, plan: [...sidesOf(state), 'none'] };
}

/** What a search is asked: the same work on the same machine within the caps, and of the plans nothing. */
export function searchQuestion(state: ExplorerState): PlanQuestion {
  const { plan: _, resident: __, prefetch: ___, chunk: ____, slots: _____, ...rest } = state;
  const { steps: ______, before: _______, after: ________, switch: _________, ...question } = rest;
  return question;
}

import { planChoiceOf } from '../../library/plan/planChoiceOf.ts';
import { predictionOf } from '../../library/predictionOf.ts';
import type { RequestFacts } from '../../model/analytic/request.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import { requestFacts } from '../../model/scenario/requestFacts.ts';
import { type Scenario, scenarioOf } from '../../model/scenario/scenario.ts';
import { loadSolver } from '../../search/solver.ts';
import type { Ask, Lists, QuickPrediction, Replies } from '../protocol.ts';
import { checkedState, type ExplorerState } from '../state.ts';
import { blockTimeline } from './blockTimeline.ts';
import { givenFile } from './givenFile.ts';
import { KeptSources } from './sources.ts';

/** What `lists` gives, which never changes: scripts/explorer.mjs puts it here. */
declare const LISTS: Lists;

/** Answers what the page asks, by the functions that the command line prints the documents of. */
export class Answers {
  #sources = new KeptSources();

  /** @throws UserError for what is wrong with a question or a file. */
  async to(ask: Ask): Promise<Replies[Ask['kind']]> {
    switch (ask.kind) {
      case 'lists':
        return LISTS;
      case 'predict':
        return quickPrediction(this.#scenario(ask.question), requestFacts(ask.question));
      case 'break-even':
        return predictionOf(this.#scenario(ask.question), requestFacts(ask.question));
      case 'timeline':
        return blockTimeline(this.#scenario({ ...ask.question, plan: [ask.plan] }));
      case 'solver':
        await loadSolver();
        return null;
      case 'search':
        return (await planChoiceOf(this.#scenario(ask.question), ask.question)).document;
      case 'file': {
        const reply = givenFile(ask.name, ask.content);
        // What was read before may have been another file of that name.
        this.#sources = new KeptSources();
        return reply;
      }
    }
  }

  #scenario(question: ExplorerState): Scenario {
    return scenarioOf(checkedState(question), this.#sources);
  }
}

/** Everything that follows a drag. */
export function quickPrediction(scenario: Scenario, request: RequestFacts | null): QuickPrediction {
  const { workload, system, plans } = scenario;
  return {
    ...predictionOf(scenario, request, { breakEven: false }),
    memory: plans.map((plan) => memoryNeed(workload, system, plan)),
  };
}

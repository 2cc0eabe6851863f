import { planChoiceOf } from '../../library/plan/planChoiceOf.ts';
import { predictionOf } from '../../library/predictionOf.ts';
import { requestFacts } from '../../model/scenario/requestFacts.ts';
import { type Scenario, scenarioOf } from '../../model/scenario/scenario.ts';
import type { Ask, Replies } from '../protocol.ts';
import { checkedState, type ExplorerState } from '../state.ts';
import { blockTimeline } from './blockTimeline.ts';
import { givenFile } from './givenFile.ts';
import { lists } from './lists.ts';
import { KeptSources } from './sources.ts';

/** Answers what the page asks, by the functions that the command line prints the documents of. */
export class Answers {
  #sources = new KeptSources();

  /** @throws UserError for what is wrong with a question or a file. */
  async to(ask: Ask): Promise<Replies[Ask['kind']]> {
    switch (ask.kind) {
      case 'lists':
        return lists(this.#sources);
      case 'predict':
        return predictionOf(this.#scenario(ask.question), requestFacts(ask.question), { breakEven: false });
      case 'break-even':
        return predictionOf(this.#scenario(ask.question), requestFacts(ask.question));
      case 'timeline':
        return blockTimeline(this.#scenario({ ...ask.question, plan: [ask.plan] }));
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

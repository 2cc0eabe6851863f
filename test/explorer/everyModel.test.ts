import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ExplorerState } from '../../explorer/state.ts';
import { lists } from '../../explorer/worker/lists.ts';
import { predictionOf } from '../../library/predictionOf.ts';
import { FILES } from '../../model/scenario/files.ts';
import { scenarioOf } from '../../model/scenario/scenario.ts';

const test = suite('everything that the controls offer');

function stepS(question: ExplorerState): number {
  return predictionOf(scenarioOf(question, FILES), null, { breakEven: false }).plans[0]!.stepTimeS;
}

const { models, machines, cards } = lists();

test('every model has a step at each size that it offers, longer at larger ones', () => {
  for (const { id, sizes } of models) {
    const steps = sizes.map((size) => stepS({ model: id, size, machine: 'h200-x1', plan: ['none'] }));
    assert.ok(
      steps.every((step, index) => step > 0 && (index === 0 || step >= steps[index - 1]!)),
      `${id} ${steps}`,
    );
  }
});

test('every machine and every card has a step, between two GPUs on each of its transports', () => {
  for (const { id, transports, gpus } of machines) {
    const question: ExplorerState = { model: 'wan2.1-t2v-1.3b', machine: id, plan: ['none'] };
    assert.ok(stepS({ ...question, sp: 1 }) > 0, id);
    if (gpus > 1)
      for (const transport of transports)
        assert.ok(stepS({ ...question, sp: 2, transport }) > 0, `${id} ${transport}`);
  }
  for (const { id } of cards) assert.ok(stepS({ model: 'flux.1-dev', machine: id, plan: ['none'] }) > 0, id);
});

test.run();

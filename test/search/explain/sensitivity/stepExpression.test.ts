import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBlocks } from '../../../../model/dit/depth.ts';
import { loadDit } from '../../../../model/dit/load.ts';
import { rowsAt } from '../../../../model/dit/tokens.ts';
import { mathjs } from '../../../../model/input/math.ts';
import { presetHelp, presetPlan } from '../../../../model/presets/presets.ts';
import { loadSystem } from '../../../../model/system/load.ts';
import { transportNamed } from '../../../../model/system/transport.ts';
import { bindRows } from '../../../../model/workload/bind.ts';
import { derivativeOf } from '../../../../search/explain/sensitivity/derivative.ts';
import { expressStep } from '../../../../search/explain/sensitivity/stepExpression.ts';
import { drawnPlan, planOf } from '../../../support/randomPlans.ts';

const test = suite('expressions of steps');

const anyCase = fc.record({
  model: fc.constantFrom('flux.1-dev', 'wan2.1-t2v-14b', 'hunyuanvideo-13b', 'wan2.2-ti2v-5b'),
  tokens: fc.double({ min: 6, max: 11, noNaN: true }).map((exponent) => Math.round(Math.exp(exponent))),
  machine: fc.constantFrom('h200-x1-fitted', 'h200-x2', 'h100-pcie-x2', 'h200-x1-colocated', 'rtx5090-x2'),
  transport: fc.nat(),
  sp: fc.constantFrom(1, 2, 2),
  cfg: fc.constantFrom('none' as const, 'sequential' as const),
  plan: fc.constantFrom(...presetHelp.map(({ name }) => name)),
  settings: fc.constantFrom('', ',resident=0.4', ',resident-layers=0.3', ',chunk=8MiB', ',prefetch=2'),
  clock: fc.constantFrom(1, 0.8),
});

test('are worth what the closed form says, in every regime, or say why there is none', () => {
  fc.assert(
    fc.property(anyCase, ({ model, tokens, machine, transport, sp, cfg, plan, settings, clock }) => {
      const dit = withBlocks(loadDit(model), 8);
      const system = loadSystem(machine);
      const options = { size: dit.referenceSize, sp, cfg };
      const workload = bindRows(dit, rowsAt(dit, tokens), options);
      const name = system.transports[transport % system.transports.length]!.name;
      const made = presetPlan(plan + settings, workload, system, sp > 1 ? name : undefined);
      const { expression, obstacle } = expressStep(workload, system, made, clock);
      if (expression !== null) return;
      assert.match(obstacle!, /take turns/);
      assert.is(transportNamed(system, made.transport).kind, 'staged-copy');
    }),
    { numRuns: 150, seed: 5 },
  );
});

const anyPlan = fc.record({
  model: fc.constantFrom('flux.1-dev', 'wan2.1-t2v-14b', 'hunyuanvideo-13b'),
  tokens: fc.double({ min: 6, max: 11, noNaN: true }).map((exponent) => Math.round(Math.exp(exponent))),
  machine: fc.constantFrom('h200-x2-fitted', 'h100-pcie-x4', 'h200-x1-colocated', 'h200-x1'),
  transport: fc.nat(),
  layout: fc.constantFrom<{ sp: number; ring?: number }>(
    { sp: 1 },
    { sp: 2 },
    { sp: 1, ring: 2 },
    { sp: 2, ring: 2 },
  ),
  drawn: drawnPlan,
});

test('so are those of plans that no preset makes, and of ring attention: pauses beside attention with a send beside it too', () => {
  let expressed = 0;
  fc.assert(
    fc.property(anyPlan, ({ model, tokens, machine, transport, layout, drawn }) => {
      const dit = withBlocks(loadDit(model), 6);
      const system = loadSystem(machine);
      const flows = system.transports.filter(({ kind }) => kind === 'flow');
      const ofLayout = layout.ring === undefined ? system.transports : flows;
      const options = { size: dit.referenceSize, cfg: 'none' as const, ...layout };
      const workload = bindRows(dit, rowsAt(dit, tokens), options);
      if (workload.ranks > system.gpus.length && system.peer === 'real') return;
      const { name } = ofLayout[transport % ofLayout.length]!;
      const plan = planOf(drawn, workload, system, name);
      const { expression, obstacle } = expressStep(workload, system, plan, 1);
      if (expression === null) assert.match(obstacle!, /take turns/);
      else expressed += 1;
    }),
    { numRuns: 40, seed: 6 },
  );
  assert.ok(expressed > 20, `${expressed}`);
});

const dit = loadDit('flux.1-dev');
const workload = bindRows(dit, rowsAt(dit, 4096), { size: dit.referenceSize, sp: 2, cfg: 'none' });
const system = loadSystem('h200-x1-fitted');
const { expression } = expressStep(workload, system, presetPlan('yield,resident=0.5', workload, system), 1);

test('of sixty blocks are no longer than what differs among them', () => {
  assert.ok(expression!.terms.length < 80, `${expression!.terms.length} terms`);
  assert.ok(workload.blocks.length === 57);
});

for (const quantity of ['h2d', 'allToAll', 'latency', 'gemm', 'attention', 'peak', 'hbm', 'gap', 'startUp']) {
  test(`as text, the derivative in ${quantity} is worth its value`, () => {
    const { text, value } = derivativeOf(expression!, quantity);
    // Named sums are worked out from the text itself. Digits that people read are five, and large parts cancel.
    const quantities = Object.fromEntries(
      Object.entries(expression!.values).filter(([name]) => !(name in expression!.sums)),
    );
    const statements = text.split('; ');
    const scope = new Map<string, unknown>(Object.entries(quantities));
    const read = statements.map((statement) => mathjs().evaluate(statement, scope)).at(-1) as number;
    const scale = Math.abs(value) + Math.abs(0.25 / expression!.values[quantity]!);
    assert.ok(Math.abs(read - value) < 2e-3 * scale, `${read} and ${value}`);
  });
}

test('a quantity that is not in it has the derivative 0', () => {
  assert.equal(derivativeOf(expression!, 'allReduce'), { text: '0', value: 0 });
});

test.run();

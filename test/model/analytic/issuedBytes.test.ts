import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { closedForm, numberWalk } from '../../../model/analytic/closedForm.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { checkIssuedBytes, type Plan, streamedBytesOf } from '../../../model/plan/plan.ts';
import { lower } from '../../../model/program/lower.ts';
import { verify } from '../../../model/program/verify.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import type { Workload } from '../../../model/workload/workload.ts';
import { ExpressionQuantities } from '../../../search/explain/sensitivity/expressionQuantities.ts';
import { expressionWalk } from '../../../search/explain/sensitivity/stepExpression.ts';
import { Symbols } from '../../../search/explain/sensitivity/symbols.ts';
import { Engine } from '../../../sim/engine.ts';
import { isPrefetch } from '../../../sim/exposure.ts';
import { drawnPlan, planOf } from '../../support/randomPlans.ts';

const test = suite('bytes issued a step are bytes streamed');

const seed = Number(process.env.FC_SEED ?? 1);
const system = loadSystem('h200-x1-fitted');

/** The first and last blocks of a small size: two collectives a block, FLUX with two kinds of blocks, Wan with two passes. */
function workloadOf(model: string, sp: number): Workload {
  const dit = loadDit(model);
  const size = model.startsWith('flux')
    ? { width: 512, height: 512, frames: 1 }
    : { width: 480, height: 416, frames: 17 };
  const cfg = model.startsWith('flux') ? 'none' : 'sequential';
  const whole = bindWorkload(dit, { size, sp, cfg });
  return { ...whole, blocks: [...whole.blocks.slice(0, 4), ...whole.blocks.slice(-3)] };
}

const workloads = ['flux.1-dev', 'wan2.1-t2v-14b'].flatMap((model) =>
  [1, 2].map((sp) => workloadOf(model, sp)),
);

/** Bytes that the last step of a walk over numbers issues, whose blocks are all walked, and of one that counts alike ones. */
function walkedBytes(workload: Workload, machine: System, plan: Plan): number[] {
  return [true, false].map((everyBlock) => {
    const walk = numberWalk(workload, machine, plan, 1, everyBlock);
    walk.settle();
    return walk.issuedBytes;
  });
}

function expressedBytes(workload: Workload, machine: System, plan: Plan): number {
  const symbols = new Symbols(workload, machine, plan, 1);
  const quantities = new ExpressionQuantities(workload, machine, plan, symbols);
  const walk = expressionWalk(workload, machine, plan, quantities);
  walk.settle();
  return walk.issuedBytes;
}

test('on every road, for plans of every rule with every distribution over windows', () => {
  const transports = system.transports.map(({ name }) => name);
  const cases = fc.tuple(drawnPlan, fc.constantFrom(...workloads), fc.constantFrom(...transports));
  fc.assert(
    fc.property(cases, ([drawn, workload, transport]) => {
      const plan = planOf(drawn, workload, system, transport);
      const streamed = streamedBytesOf(plan) * workload.passes;
      const program = lower(workload, system, plan, 'windows');
      const copied = program.ops.reduce(
        (sum, op) => sum + (op.kind === 'copy' && isPrefetch(op) ? op.bytes : 0),
        0,
      );
      assert.equal(verify(program), []);
      const engine = new Engine(program, system);
      const { steps } = engine.run();
      assert.equal(
        {
          closedForm: walkedBytes(workload, system, plan),
          expression: expressedBytes(workload, system, plan),
          program: copied,
          simulator: Math.round(engine.prefetchedBytes(steps - 1)),
        },
        { closedForm: [streamed, streamed], expression: streamed, program: streamed, simulator: streamed },
      );
    }),
    { seed, numRuns: 120 },
  );
});

test('a road that loses bytes is a bug and stops', () => {
  const [plan, passes] = [{ name: 'p', blocks: [{ windowBytes: [10, 0, 5] }] } as unknown as Plan, 2];
  checkIssuedBytes('it', plan, passes, 30);
  for (const bytes of [29, 31, 20])
    assert.throws(
      () => checkIssuedBytes('it', plan, passes, bytes),
      new RegExp(`^plan p: it issues ${bytes} bytes a step, 30 are streamed; this is a bug$`),
    );
});

test('a plan with bytes for a window that no block has is refused by closed form and lowering', () => {
  const workload = workloads[3]!;
  const plan = planOf('yield', workload, system, 'staged-sm:2');
  const [first, ...others] = plan.blocks;
  const lost = {
    ...plan,
    blocks: [{ ...first!, windowBytes: [...first!.windowBytes, 0, 0, 0, 4096] }, ...others],
  };
  assert.throws(
    () => closedForm(workload, system, lost),
    /4096 bytes of block 0 are for window \d+ of block \d+, which has \d+/,
  );
  assert.throws(() => lower(workload, system, lost), /the program issues \d+ bytes a step/);
});

test.run();

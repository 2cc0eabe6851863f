import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CopyQueue, numberQueue } from '../../../../model/analytic/copyQueue.ts';
import { loadDit } from '../../../../model/dit/load.ts';
import { makePlan } from '../../../../model/presets/presets.ts';
import { loadSystem } from '../../../../model/system/load.ts';
import { bindWorkload } from '../../../../model/workload/bind.ts';
import { ExpressedRun } from '../../../../search/explain/sensitivity/expressedRun.ts';
import { ExpressionArithmetic } from '../../../../search/explain/sensitivity/expressionArithmetic.ts';
import { constant, type Laurent, symbol } from '../../../../search/explain/sensitivity/laurent.ts';
import { Symbols } from '../../../../search/explain/sensitivity/symbols.ts';

const test = suite('the queue of copies in expressions');

const dit = loadDit('dit-xl-2');
const system = loadSystem('h200-x1');
const workload = bindWorkload(dit, { size: dit.referenceSize, cfg: 'none' });
const plan = makePlan('none', workload, system);
const symbolsOf = () => new Symbols(workload, system, plan, 1);
const near = (value: number, expected: number, what: string) =>
  assert.ok(
    Math.abs(value - expected) <= 1e-9 * Math.max(1, Math.abs(expected)),
    `${what}: ${value}, ${expected}`,
  );

const GAP_S = 0.25;
const gap = symbol('g', GAP_S);
/** So many seconds that depend on something. */
const seconds = (value: number) => symbol('s', 2).times(constant(value / 2));

type Step =
  | { do: 'push'; moveS: number; gaps: number; chunks: number }
  | { do: 'alone'; seconds: number }
  | { do: 'hold'; seconds: number }
  | { do: 'beside'; workS: number; h2d: number; collective: number; longerS: number; mostS: number | null };

const tenths = (most: number) => fc.integer({ min: 0, max: most * 10 }).map((count) => count / 10);
const share = fc.integer({ min: 1, max: 10 }).map((count) => count / 10);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    ...{ do: fc.constant('push' as const), moveS: tenths(5) },
    ...{ gaps: fc.integer({ min: 0, max: 4 }), chunks: fc.integer({ min: 1, max: 4 }) },
  }),
  fc.record({ do: fc.constant('alone' as const), seconds: tenths(6).map((value) => value + 0.037) }),
  fc.record({ do: fc.constant('hold' as const), seconds: tenths(1) }),
  fc.record({
    ...{ do: fc.constant('beside' as const), workS: tenths(6).map((value) => value + 0.0317) },
    ...{ h2d: share, collective: share, longerS: tenths(1) },
    mostS: fc.option(tenths(3)),
  }),
);

test('takes as long, and leaves as much, as the one in numbers', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 12 }), (steps) => {
      const symbols = symbolsOf();
      const arithmetic = new ExpressionArithmetic(symbols);
      const numbers = numberQueue(100);
      const expressions = new CopyQueue<Laurent>(
        arithmetic,
        (chunks) => new ExpressedRun(symbols, chunks),
        100,
      );
      for (const [index, step] of steps.entries()) {
        if (step.do === 'push') {
          const { moveS, gaps, chunks } = step;
          const run = { block: index, issuedBy: index, window: 0, chunks };
          numbers.push({ ...run, moveS, pauseS: gaps * GAP_S });
          expressions.push({ ...run, moveS: seconds(moveS), pauseS: gap.times(constant(gaps)) });
        } else if (step.do === 'alone') {
          numbers.alone(step.seconds);
          expressions.alone(seconds(step.seconds));
        } else if (step.do === 'hold') {
          if (numbers.empty) continue;
          numbers.hold(step.seconds);
          expressions.hold(seconds(step.seconds));
        } else {
          const { workS, h2d, collective, longerS, mostS } = step;
          const shared = { h2d, collective };
          const expected = numbers.besideAtMost(workS, { ...shared, longerPauseS: longerS }, mostS);
          const found = expressions.besideAtMost(
            seconds(workS),
            { ...shared, longerPauseS: constant(longerS) },
            mostS === null ? null : seconds(mostS),
          );
          near(found.elapsedS.value, expected.elapsedS, 'elapsed');
          near(found.leftS.value, expected.leftS, 'left of the collective');
        }
        assert.is(expressions.empty, numbers.empty);
        near(expressions.idleS.value, numbers.idleS, 'idle');
        near(expressions.leftS(index).value, numbers.leftS(index), 'left');
        const [chunkS, expectedS] = [expressions.chunkS, numbers.chunkS];
        assert.is(chunkS === null, expectedS === null);
        if (chunkS !== null) near(chunkS.value, expectedS!, 'a chunk');
      }
    }),
    { numRuns: 500, seed: 3 },
  );
});

test('what is left of a run that was copied for a while is a sum: of 3 s and two gaps, all but the seconds that passed', () => {
  const run = new ExpressedRun(symbolsOf(), {
    ...{ block: 0, issuedBy: 0, window: 0, chunks: 2 },
    ...{ moveS: seconds(3), pauseS: gap.times(constant(2)) },
  });
  run.pass(constant(1), null);
  assert.equal(run.leftS.terms, [
    { coefficient: 1.5, powers: { s: 1 } },
    { coefficient: 2, powers: { g: 1 } },
    { coefficient: -1, powers: {} },
  ]);
});

test.run();

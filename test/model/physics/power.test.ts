import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDit } from '../../../model/dit/load.ts';
import { cappedClock, slowdown, stepEnergyJ, stepPowerW } from '../../../model/physics/power.ts';
import type { Power } from '../../../model/system/system.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import type { ComputeSegment, Workload } from '../../../model/workload/workload.ts';

const power: Power = {
  capW: 700,
  idleW: 200,
  joulesPerFlop: { gemm: 1e-12, attention: 2e-12 },
  joulesPerByte: 50e-12,
  energyExponent: 2,
  usefulClock: { gemm: 1, attention: 0.9, elementwise: 0 },
  topClockHz: null,
  minClock: 0.4,
  of: { name: 'GPU', compute: { gemm: { bf16: { peak: 1, rate: 1 } }, attention: {} } },
};
const within = (value: number, expected: number, share: number) =>
  assert.ok(Math.abs(value / expected - 1) <= share, `expected ${expected}, got ${value}`);

const test = suite('power-limited clock');

const SLOWDOWNS: [of: 'gemm' | 'attention' | 'elementwise', clock: number, factor: number][] = [
  ['gemm', 1, 1],
  ['gemm', 0.5, 2],
  ['attention', 1, 1],
  ['attention', 0.95, 1],
  // 0.9 / 0.45: at half of its useful clock.
  ['attention', 0.45, 2],
  ['elementwise', 0.5, 1],
];
for (const [of, clock, factor] of SLOWDOWNS) {
  test(`${of} at clock ${clock} takes ${factor} as long`, () =>
    within(slowdown(power, of, clock), factor, 1e-12));
}

/** All of it matrix products. */
const products = (joules: number) => ({ gemm: joules, attention: 0, elementwise: 0 });

test('energy of a step: FLOPs of each class, bytes of elementwise work, every pass', () => {
  const segment = (kind: ComputeSegment['class'], flops: number, bytes: number): ComputeSegment => ({
    kind: 'compute',
    name: kind,
    class: kind,
    flops,
    bytes,
    kernels: 1,
  });
  const dit = loadDit('dit-xl-2');
  const workload: Workload = {
    ...bindWorkload(dit, { size: dit.referenceSize }),
    passes: 2,
    blocks: [
      {
        name: 'a',
        weightBytes: 1,
        segments: [segment('gemm', 3e12, 1e12), segment('attention', 4e12, 1e12)],
      },
      {
        name: 'b',
        weightBytes: 1,
        segments: [
          segment('elementwise', 0, 1e11),
          { kind: 'collective', name: 'c', collective: 'all-reduce', sentBytes: 1e12, bufferBytes: 1 },
        ],
      },
    ],
  };
  // 2 x 3e12 x 1 pJ, 2 x 4e12 x 2 pJ and 2 x 1e11 x 50 pJ.
  const { gemm, attention, elementwise } = stepEnergyJ(workload, power);
  within(gemm, 6, 1e-12);
  within(attention, 16, 1e-12);
  within(elementwise, 10, 1e-12);
});

test('power of a step: idle, and the energy at that clock over its time', () => {
  // 200 + 100 x 0.5^2 / 0.25.
  assert.is(stepPowerW(power, products(100), 0.5, 0.25), 300);
  assert.is(stepPowerW(power, products(100), 1, 0.25), 600);
  // Elementwise work costs the same at any clock, attention down to 0.9.
  within(stepPowerW(power, { gemm: 0, attention: 100, elementwise: 100 }, 0.45, 1), 200 + 25 + 100, 1e-12);
  within(stepPowerW(power, { gemm: 0, attention: 100, elementwise: 0 }, 0.95, 1), 300, 1e-12);
});

test('a step that stays below the cap runs at the highest clock', () => {
  // 200 + 499 / 1 s is 699 W.
  assert.is(
    cappedClock(power, products(499), () => 1),
    1,
  );
  assert.is(
    cappedClock(power, products(500), () => 1),
    1,
  );
});

test('with a step time that does not depend on the clock, the clock is a root', () => {
  // 200 + 1000 f^2 = 700 at f = sqrt(1/2), to a quarter of a per mille.
  within(
    cappedClock(power, products(1000), () => 1),
    Math.SQRT1_2,
    0.5e-3,
  );
});

test('with compute that follows the clock alone, power falls with its cube', () => {
  // T = 1/f: 200 + 1000 f^2 x f = 700 at f = 0.5^(1/3).
  within(
    cappedClock(power, products(1000), (clock) => 1 / clock),
    0.5 ** (1 / 3),
    0.5e-3,
  );
});

test('the clock does not fall below its lowest, even if the cap is broken', () => {
  // 200 + 1e5 x 0.4^2 W are far above the cap.
  assert.is(
    cappedClock(power, products(1e5), () => 1),
    0.4,
  );
});

const steps = fc.record({
  computeS: fc.double({ min: 0.05, max: 5, noNaN: true }),
  idleS: fc.double({ min: 0, max: 5, noNaN: true }),
  /** Watts of the work alone at the highest clock. */
  workW: fc.integer({ min: 50, max: 1500 }),
  exponent: fc.double({ min: 0.5, max: 3, noNaN: true }),
  usefulClock: fc.double({ min: 0, max: 1, noNaN: true }),
});

test('a lowered clock keeps the power at the cap, and no more is lowered than needed', () => {
  fc.assert(
    fc.property(steps, ({ computeS, idleS, workW, exponent, usefulClock }) => {
      const given = {
        ...power,
        energyExponent: exponent,
        usefulClock: { ...power.usefulClock, gemm: usefulClock },
      };
      const timeAt = (at: number) => computeS * slowdown(given, 'gemm', at) + idleS;
      const energy = products(workW * computeS);
      const clock = cappedClock(given, energy, timeAt);
      const powerAt = (at: number) => stepPowerW(given, energy, at, timeAt(at));
      assert.is(clock === 1, powerAt(1) <= 700);
      if (clock < 1 && clock > given.minClock) {
        assert.ok(powerAt(clock) <= 700, `${powerAt(clock)} W`);
        assert.ok(powerAt(clock + 2.5e-4) > 700, `${powerAt(clock + 2.5e-4)} W with a little more`);
      }
    }),
  );
});

/** Twelve halvings, every one of them by a step time. */
function halved(given: Power, fits: (clock: number) => boolean): number {
  if (fits(1)) return 1;
  let low = given.minClock;
  let high = 1;
  if (!fits(low)) return low;
  for (let round = 0; round < 12; round += 1) {
    const middle = (low + high) / 2;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

test('the clock is the one that halving leads to, to the last bit, from less than half as many step times', () => {
  /** Step times of those that end between the two ends. */
  const counts = { asked: 0, halving: 0 };
  fc.assert(
    fc.property(steps, fc.double({ min: 0, max: 1, noNaN: true }), (step, hiddenShare) => {
      const { computeS, idleS, workW, exponent, usefulClock } = step;
      const given = {
        ...power,
        energyExponent: exponent,
        usefulClock: { ...power.usefulClock, gemm: usefulClock },
      };
      // Part of the pause is work of something else beside the compute, so that the step time has a kink.
      const timeAt = (at: number) =>
        Math.max(computeS * slowdown(given, 'gemm', at), computeS + hiddenShare * idleS) + idleS;
      const energy = products(workW * computeS);
      let asked = 0;
      const clock = cappedClock(given, energy, (at) => {
        asked += 1;
        return timeAt(at);
      });
      let halving = 0;
      const fits = (at: number) => {
        halving += 1;
        return stepPowerW(given, energy, at, timeAt(at)) <= given.capW;
      };
      assert.is(clock, halved(given, fits));
      if (clock === 1 || clock === given.minClock) return;
      counts.asked += asked;
      counts.halving += halving;
    }),
    { numRuns: 2000 },
  );
  assert.ok(counts.asked < 0.4 * counts.halving, `${counts.asked} step times, halving ${counts.halving}`);
});

test('the busier the GPU, the lower the clock', () => {
  fc.assert(
    fc.property(
      steps,
      fc.double({ min: 0, max: 5, noNaN: true }),
      ({ computeS, idleS, workW, usefulClock }, more) => {
        const given = { ...power, usefulClock: { ...power.usefulClock, gemm: usefulClock } };
        const runS = (at: number) => computeS * slowdown(given, 'gemm', at);
        const clock = (pauseS: number) =>
          cappedClock(given, products(workW * computeS), (at) => runS(at) + pauseS);
        assert.ok(clock(idleS) <= clock(idleS + more) + 1e-12, `${clock(idleS)} and ${clock(idleS + more)}`);
      },
    ),
  );
});

test.run();

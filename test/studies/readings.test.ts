import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mirroredReadings, pairReadings } from '../../studies/measured/readings.ts';
import { orderOf, trialArms } from '../../studies/measured/trials.ts';

const TOLERANCE = 0.1;

const readings = suite('H200 micro-benchmarks');

for (const [place, rows] of [
  ['pair over shared memory', pairReadings()],
  ['one GPU, mirrored', mirroredReadings()],
] as const) {
  for (const { group, what, unit, measured, predicted } of rows) {
    // NCCL changes its protocol for small all-reduces, which one start-up and one rate do not describe.
    if (group === 'all-reduce alone' && measured < 0.1) continue;
    readings(`${place}: ${group}, ${what}: ${measured} ${unit}`, () => {
      assert.ok(Math.abs(predicted / measured - 1) <= TOLERANCE, `predicted ${predicted}`);
    });
  }
}

readings.run();

const trials = suite('H200 trials');

for (const [name, place] of [
  ['h200-mirrored-trial', 'one GPU, mirrored'],
  ['h200-pair-trial', 'pair'],
] as const) {
  const arms = trialArms(name);
  for (const [road, predicted] of [
    ['simulated', (arm: (typeof arms)[number]) => arm.simulatedMs],
    ['closed form', (arm: (typeof arms)[number]) => arm.closedFormMs],
  ] as const) {
    trials(`${place}, ${road}: every pair of arms that measures 4 % apart comes out in order`, () => {
      const order = orderOf(arms, predicted, 0.04);
      assert.ok(order.right > 400, `only ${order.right} pairs`);
      assert.equal(
        order.wrong.map(
          ({ faster, slower }) =>
            `${faster.plan} on ${faster.transport} before ${slower.plan} on ${slower.transport}`,
        ),
        [],
      );
    });
    trials(`${place}, ${road}: Kendall tau of arms 2 % apart`, () => {
      assert.ok(orderOf(arms, predicted, 0.02).kendallTau >= 0.97);
    });
  }
  trials(`${place}: no arm is off by more than 8 %, the mean by 3.5 %`, () => {
    const errors = arms.map((arm) => Math.abs(arm.simulatedMs / arm.measuredMs - 1));
    assert.ok(Math.max(...errors) <= 0.08, `largest ${Math.max(...errors)}`);
    assert.ok(errors.reduce((sum, error) => sum + error, 0) / errors.length <= 0.035);
  });
}

trials('the worst pairing is the worst: copy-engine collectives under an unchunked prefetch', () => {
  const arms = trialArms('h200-mirrored-trial');
  for (const tokens of [7800, 16380]) {
    const own = arms.filter((arm) => arm.tokens === tokens);
    const worst = own.reduce((a, b) => (a.simulatedMs > b.simulatedMs ? a : b));
    assert.equal([worst.transport, worst.plan], ['staged-copy', 'layerwise']);
  }
});

trials.run();

import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { served } from '../../../model/physics/saturation.ts';

const seed = Number(process.env.FC_SEED ?? 1);
const INF = Number.POSITIVE_INFINITY;
const test = suite('what a resource serves of a demand');

function near(got: number, expected: number): void {
  assert.ok(Math.abs(got - expected) <= 1e-12 * expected, `${got} against ${expected}`);
}

const CASES: [demand: number, capacity: number, sharpness: number, expected: number][] = [
  [3, 4, INF, 3],
  [5, 4, INF, 4],
  // 1 / (1/3 + 1/6)
  [3, 6, 1, 2],
  // 1 / sqrt(1/9 + 1/16)
  [3, 4, 2, 2.4],
  [4, 3, 2, 2.4],
  // 1 / (2 / 4^4)^(1/4)
  [4, 4, 4, 4 * 2 ** -0.25],
  [3, INF, 2, 3],
  [INF, 3, 2, 3],
];
for (const [demand, capacity, sharpness, expected] of CASES) {
  test(`of ${demand}, with a limit of ${capacity} and sharpness ${sharpness}, ${expected}`, () =>
    near(served(demand, capacity, sharpness), expected));
}

const positive = fc.double({ min: 1e-3, max: 1e12, noNaN: true });
const sharp = fc.double({ min: 1, max: 100, noNaN: true });

test('is never above demand or limit, grows with both, and scales with them', () => {
  fc.assert(
    fc.property(positive, positive, sharp, positive, (demand, capacity, p, factor) => {
      const got = served(demand, capacity, p);
      assert.ok(got > 0 && got <= demand && got <= capacity);
      assert.ok(served(2 * demand, capacity, p) >= got && served(demand, 2 * capacity, p) >= got);
      const scaled = served(demand * factor, capacity * factor, p);
      assert.ok(Math.abs(scaled - got * factor) <= 1e-9 * scaled);
    }),
    { seed, numRuns: 1000 },
  );
});

test.run();

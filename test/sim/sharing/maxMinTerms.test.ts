import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ProgressiveFilling } from '../../../sim/sharing/progressiveFilling.ts';

const INF = Number.POSITIVE_INFINITY;

interface Flow {
  bound?: number;
  weight?: number;
  /** Resource and coefficient. */
  uses: [resource: number, coefficient: number][];
}

interface Case {
  equations: string;
  capacities: number[];
  flows: Flow[];
  rates: number[];
  /** Per resource: whether it holds back a flow. */
  saturated?: number[];
}

function solve(capacities: readonly number[], flows: readonly Flow[]): ProgressiveFilling {
  const filling = new ProgressiveFilling();
  for (const capacity of capacities) filling.addResource(capacity);
  for (const { bound = INF, weight = 1, uses } of flows) {
    filling.addFlow(bound, weight);
    for (const [resource, coefficient] of uses) filling.addUse(resource, coefficient);
  }
  filling.solve();
  return filling;
}

const CASES: Case[] = [
  {
    equations:
      'the resource that fills first decides, whatever its place: x0 = x1 = c1 / 2, x2 = c0 - x0, x3 = c2 - x1',
    capacities: [10, 4, 20],
    flows: [
      {
        uses: [
          [0, 1],
          [1, 1],
        ],
      },
      {
        uses: [
          [1, 1],
          [2, 1],
        ],
      },
      { uses: [[0, 1]] },
      { uses: [[2, 1]] },
    ],
    rates: [2, 2, 8, 18],
    saturated: [1, 1, 1],
  },
  {
    equations: 'a bound leaves the rest to the others: x0 = b, x1 = x2 = (c - b) / 2',
    capacities: [10],
    flows: [{ bound: 2, uses: [[0, 1]] }, { uses: [[0, 1]] }, { uses: [[0, 1]] }],
    rates: [2, 4, 4],
    saturated: [1],
  },
  {
    equations: 'a bound is reached at level b / weight: x0 / 4 = x1 = 2, where b0 = 9 is not reached yet',
    capacities: [10],
    flows: [{ bound: 9, weight: 4, uses: [[0, 1]] }, { uses: [[0, 1]] }],
    rates: [8, 2],
  },
  {
    equations: 'the same where it is: x0 = b0 = 7, x1 = c - b0',
    capacities: [10],
    flows: [{ bound: 7, weight: 4, uses: [[0, 1]] }, { uses: [[0, 1]] }],
    rates: [7, 3],
  },
  {
    equations:
      'a flow at its bound just as its resource fills is held by the bound: no resource is saturated',
    capacities: [10],
    flows: [{ bound: 10, uses: [[0, 1]] }],
    rates: [10],
    saturated: [0],
  },
  {
    equations: 'coefficients count in the load and in what is left: 2 x0 + x1 = c0, x0 = c1 / 3',
    capacities: [10, 6],
    flows: [
      {
        uses: [
          [0, 2],
          [1, 3],
        ],
      },
      { uses: [[0, 1]] },
    ],
    rates: [2, 6],
    saturated: [1, 1],
  },
  {
    equations: 'coefficients and weights: x0 = 3 t, x1 = t, 2 x0 + x1 = c0 = 14; x2 = c1 - x1',
    capacities: [14, 10],
    flows: [
      { weight: 3, uses: [[0, 2]] },
      {
        uses: [
          [0, 1],
          [1, 1],
        ],
      },
      { uses: [[1, 1]] },
    ],
    rates: [6, 2, 8],
  },
  {
    equations: 'levels a thousandth apart are two: x0 = c0, x1 = c1',
    capacities: [1, 1.001],
    flows: [{ uses: [[0, 1]] }, { uses: [[1, 1]] }],
    rates: [1, 1.001],
  },
  {
    // 0.3 / 3 is a rounding below 0.1: flows that differ by nothing else have the same rate, to the last bit.
    equations: 'levels that differ by rounding alone are one: x0 = x1 = x2 = x3 = c1',
    capacities: [0.3, 0.1],
    flows: [...Array.from({ length: 3 }, (): Flow => ({ uses: [[0, 1]] })), { uses: [[1, 1]] }],
    rates: Array.from({ length: 4 }, () => 0.3 / 3),
    saturated: [1, 1],
  },
  {
    // 1e17 + 1 - 1e17 is 0 or 16, not 1.
    equations: 'a load whose digits a heavy flow took with it: x0 = b = 1, x1 = c - b',
    capacities: [10],
    flows: [{ bound: 1, weight: 1e17, uses: [[0, 1]] }, { uses: [[0, 1]] }],
    rates: [1, 9],
  },
  {
    equations: 'the same with a coefficient on what stays: x0 = b = 1, 4 x1 = c - b',
    capacities: [9],
    flows: [{ bound: 1, weight: 1e17, uses: [[0, 1]] }, { uses: [[0, 4]] }],
    rates: [1, 2],
  },
];

const test = suite('terms of max-min sharing');

for (const { equations, capacities, flows, rates, saturated } of CASES) {
  test(equations, () => {
    const filling = solve(capacities, flows);
    assert.equal([...filling.rate.slice(0, flows.length)], rates);
    if (saturated !== undefined) assert.equal([...filling.saturated.slice(0, capacities.length)], saturated);
  });
}

test('the level never falls: what rounding left of a resource, below nothing, still lets a tiny flow move', () => {
  // Twenty flows fill resource 0; of resource 1, two roundings larger, they leave a little less than nothing.
  const twenty = Array.from(
    { length: 20 },
    (): Flow => ({
      weight: 0.7,
      uses: [
        [0, 1],
        [1, 1],
      ],
    }),
  );
  const { rate } = solve([1, 1 + 2 * Number.EPSILON], [...twenty, { weight: 1e-18, uses: [[1, 1]] }]);
  assert.ok(Math.abs(rate[20]! / (1e-18 / 14) - 1) < 1e-9, String(rate[20]));
});

test.run();

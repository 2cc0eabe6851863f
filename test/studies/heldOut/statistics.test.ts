import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ComparedStep } from '../../../studies/heldOut/compareSteps.ts';
import { errorStatistics } from '../../../studies/heldOut/errorStatistics.ts';
import { kendallTauB } from '../../../studies/heldOut/kendallTauB.ts';
import { brokenLimits, type LimitedReport } from '../../../studies/heldOut/limits.ts';
import { noiseFloor } from '../../../studies/heldOut/noiseFloor.ts';
import { planOrders } from '../../../studies/heldOut/planOrder.ts';

const near = (value: number, expected: number) =>
  assert.ok(Math.abs(value - expected) < 1e-9, `expected ${expected}, got ${value}`);

const errors = suite('errors of predictions');

errors('of 21 errors of 1 to 21 %, the odd ones too fast: each figure by hand', () => {
  // Sizes 1 .. 21: the 95th percentile is 0.95 x 20 = 19 places behind the first, the middle 10. Signed: 10 even ones sum to
  // 110, 11 odd ones to 121.
  const found = errorStatistics(
    Array.from({ length: 21 }, (_, index) => ((index + 1) / 100) * (index % 2 === 0 ? -1 : 1)),
  )!;
  assert.is(found.n, 21);
  near(found.p95, 0.2);
  near(found.median, 0.11);
  near(found.largest, 0.21);
  near(found.mape, 0.11);
  near(found.bias, -0.11 / 21);
});

errors(
  'of 20 errors of 1 to 20 %: 0.95 x 19 = 18.05 places behind the first, as numpy.quantile has it',
  () => {
    near(errorStatistics(Array.from({ length: 20 }, (_, index) => (index + 1) / 100))!.p95, 0.1905);
  },
);

errors('of one error, and of none', () => {
  assert.equal(errorStatistics([-0.02]), {
    ...{ n: 1, mape: 0.02, bias: -0.02, median: 0.02, p95: 0.02, largest: 0.02 },
  });
  assert.is(errorStatistics([]), null);
});

errors.run();

const noise = suite('noise of repeated measurements');

noise('mean distance of rounds from their mean, over the mean; none of one round', () => {
  // Mean 20; distances 4, 1, 5.
  near(noiseFloor([16, 19, 25])!, 10 / 3 / 20);
  near(noiseFloor([9.9e-3, 10.1e-3])!, 0.01);
  assert.is(noiseFloor([1]), null);
  assert.is(noiseFloor([]), null);
});

noise.run();

const order = suite('order of the plans of a cell');

/** Plans as measured and predicted, seconds, with the noise of each. */
type Row = [measuredS: number, predictedS: number, noise?: number | null];

function ordersOf(
  rows: readonly Row[],
  cells = rows.map(() => 'a'),
  names = rows.map((_, i) => `plan ${i}`),
) {
  const steps = rows.map(
    ([stepS, simulatedS, own = 0], index) =>
      ({
        run: { cell: { id: cells[index]! }, mode: 'eager', plan: names[index]!, stepS },
        ...{ simulatedS, noise: own },
      }) as ComparedStep,
  );
  return planOrders(steps, ({ simulatedS }) => simulatedS).map(
    ({ right, wrong, withoutOrder, kendallTau }) => ({
      ...{ right, wrong, withoutOrder },
      kendallTau: kendallTau === null ? null : Number(kendallTau.toFixed(9)),
    }),
  );
}

for (const { what, rows, expected } of [
  {
    what: 'of three pairs two are right: tau = (2 - 1) / 3',
    rows: [
      [10, 1],
      [20, 3],
      [30, 2],
    ],
    expected: { right: 2, wrong: 1, withoutOrder: 0, kendallTau: 0.333333333 },
  },
  {
    what: 'whatever the order of the dataset',
    rows: [
      [30, 2],
      [20, 3],
      [10, 1],
    ],
    expected: { right: 2, wrong: 1, withoutOrder: 0, kendallTau: 0.333333333 },
  },
  {
    what: 'plans predicted alike that measure apart are wrong',
    rows: [
      [10, 2],
      [20, 2],
    ],
    expected: { right: 0, wrong: 1, withoutOrder: 0, kendallTau: -1 },
  },
  {
    what: 'plans that measure within 1 % have no order, however quiet',
    rows: [
      [100, 2],
      [100.9, 1],
    ],
    expected: { right: 0, wrong: 0, withoutOrder: 1, kendallTau: null },
  },
  {
    what: 'plans 3 % apart with noises of 2 % each have none: 4 % together',
    rows: [
      [100, 2, 0.02],
      [103, 1, 0.02],
    ],
    expected: { right: 0, wrong: 0, withoutOrder: 1, kendallTau: null },
  },
  {
    what: 'plans 5 % apart with noises of 2 % each have one',
    rows: [
      [100, 2, 0.02],
      [105, 1, 0.02],
    ],
    expected: { right: 0, wrong: 1, withoutOrder: 0, kendallTau: -1 },
  },
  {
    what: 'unknown noise is none',
    rows: [
      [100, 1, null],
      [102, 2, null],
    ],
    expected: { right: 1, wrong: 0, withoutOrder: 0, kendallTau: 1 },
  },
] as { what: string; rows: Row[]; expected: ReturnType<typeof ordersOf>[0] }[]) {
  order(what, () => assert.equal(ordersOf(rows), [expected]));
}

order('plans of different cells are not compared', () => {
  const rows: Row[] = [
    [10, 2],
    [20, 1],
  ];
  const alone = { right: 0, wrong: 0, withoutOrder: 0, kendallTau: null };
  assert.equal(ordersOf(rows, ['a', 'b']), [alone, alone]);
});

order('a plan that was measured twice counts once, by its mean', () => {
  // 20 and 50 make 35, which is above 30.
  const rows: Row[] = [
    [20, 3],
    [50, 3],
    [30, 2],
  ];
  assert.equal(ordersOf(rows, undefined, ['x', 'x', 'y']), [
    { right: 1, wrong: 0, withoutOrder: 0, kendallTau: 1 },
  ]);
});

order.run();

const allPairs = suite("Kendall's tau-b of all pairs");

/** scipy.stats.kendalltau(x, y).statistic. */
for (const [pairs, tau] of [
  [
    [
      [1, 1],
      [2, 3],
      [3, 2],
    ],
    1 / 3,
  ],
  // Of six pairs one is tied in x: 4 of the others agree, 1 does not.
  [
    [
      [1, 1],
      [1, 2],
      [2, 4],
      [3, 3],
    ],
    3 / Math.sqrt(5 * 6),
  ],
  // Tied in y.
  [
    [
      [1, 2],
      [2, 2],
      [3, 5],
      [4, 4],
    ],
    3 / Math.sqrt(6 * 5),
  ],
  // Tied in both, the same pair.
  [
    [
      [1, 1],
      [1, 1],
      [2, 2],
    ],
    1,
  ],
  [
    [
      [1, 1],
      [1, 2],
    ],
    null,
  ],
  [[[1, 1]], null],
] as [[number, number][], number | null][]) {
  allPairs(JSON.stringify(pairs), () => {
    const found = kendallTauB(pairs);
    if (tau === null) assert.is(found, null);
    else near(found!, tau);
  });
}

allPairs.run();

const limits = suite('limits of a validation');

const statistics = { n: 1, mape: 0.03, bias: 0, median: 0, p95: 0, largest: 0.05 };
const report = {
  all: { simulated: statistics, closedForm: { ...statistics, mape: 0.04 } },
  orders: [{ kendallTau: 0.9 }, { kendallTau: null }, { kendallTau: 0.8 }],
  memory: { ...statistics, largest: 0.002 },
} as unknown as LimitedReport;

for (const [limit, broken] of [
  ['simulated=3%', []],
  ['simulated=2.9%', ['simulated is 3.00 %, above 2.9%']],
  ['simulated=0.03', []],
  ['closedForm=3.5%', ['closedForm is 4.00 %, above 3.5%']],
  ['memory=0.1%', ['memory is 0.20 %, above 0.1%']],
  // A rank correlation is to be high: 0.85 on average.
  ['tau=0.86', ['tau is 0.850, below 0.86']],
  ['tau=0.84', []],
] as const) {
  limits(limit, () => assert.equal(brokenLimits(report, [limit]), broken));
}

limits.run();

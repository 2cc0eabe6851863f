import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  chanceRange,
  intraclassCorrelation,
  pooledCorrelation,
} from '../../measure/intraclassCorrelation.ts';
import { randomNumbers } from '../../model/leastSquares/multiStart.ts';
import { normalNumbers } from '../model/leastSquares/normalNumbers.ts';

const test = suite('intraclass correlation');

const near = (value: number, expected: number, within = 1e-12) =>
  assert.ok(Math.abs(value - expected) <= within, `expected ${expected}, got ${value}`);

for (const [what, passes, groups, share] of [
  [
    'the same in both passes',
    [
      [1, 2, 4],
      [1, 2, 4],
    ],
    [0, 0, 0],
    1,
  ],
  [
    'the same but for the mean of a pass',
    [
      [1, 2, 4],
      [11, 12, 14],
    ],
    [0, 0, 0],
    1,
  ],
  [
    'opposite',
    [
      [1, 2, 3],
      [3, 2, 1],
    ],
    [0, 0, 0],
    -1,
  ],
  [
    'three passes whose sums are level: the least there can be',
    [
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
    ],
    [0, 0, 0],
    -1 / 2,
  ],
  // Deviations -1, 0, 1 and 0, -1, 1: covariance 1 of variance 2.
  [
    'half',
    [
      [1, 2, 3],
      [2, 1, 3],
    ],
    [0, 0, 0],
    1 / 2,
  ],
  [
    'groups that differ count for nothing',
    [
      [1, 2, 51, 53],
      [2, 1, 53, 51],
    ],
    [0, 0, 1, 1],
    -1,
  ],
] as [string, number[][], number[], number][]) {
  test(what, () => near(intraclassCorrelation(passes, groups, randomNumbers(1))!.share, share));
}

test('a single pass, and readings that do not vary, have none', () => {
  assert.is(intraclassCorrelation([[1, 2]], [0, 0], randomNumbers(1)), null);
  assert.is(
    intraclassCorrelation(
      [
        [1, 2],
        [1, 2],
      ],
      [0, 1],
      randomNumbers(1),
    ),
    null,
  );
});

test('the share of the variance that was put in: 1 of 1 + 3', () => {
  const normal = normalNumbers(5);
  const own = Array.from({ length: 2000 }, normal);
  const passes = [0, 1, 2].map(() => own.map((value) => value + Math.sqrt(3) * normal()));
  near(
    intraclassCorrelation(
      passes,
      own.map(() => 0),
      randomNumbers(1),
    )!.share,
    0.25,
    0.03,
  );
});

/** How many of 100 experiments with three passes of 20 readings that drift, none of which repeats, lie outside the range. */
function outsideOfChance(seed: number): number {
  const normal = normalNumbers(seed);
  const drifting = () => {
    let wander = normal();
    return Array.from({ length: 20 }, () => {
      wander = 0.7 * wander + Math.sqrt(1 - 0.7 ** 2) * normal();
      return wander;
    });
  };
  const groups = Array(20).fill(0);
  const random = randomNumbers(seed);
  return Array.from({ length: 100 }, () =>
    intraclassCorrelation([drifting(), drifting(), drifting()], groups, random),
  ).filter((found) => {
    const [least, most] = chanceRange(found!);
    return found!.share < least || found!.share > most;
  }).length;
}

test('drifts alone lie outside the range of chance about five times of a hundred', () => {
  const outside = outsideOfChance(11);
  assert.ok(outside >= 1 && outside <= 11, `${outside}`);
});

test('several experiments: their mean by items, in a narrower range', () => {
  const random = randomNumbers(2);
  const normal = normalNumbers(3);
  const noise = (items: number) =>
    intraclassCorrelation(
      [0, 1].map(() => Array.from({ length: items }, normal)),
      Array(items).fill(0),
      random,
    )!;
  const parts = [noise(20), noise(40), noise(40)];
  const all = pooledCorrelation(parts)!;
  near(all.share, 0.2 * parts[0]!.share + 0.4 * parts[1]!.share + 0.4 * parts[2]!.share);
  assert.is(all.items, 100);
  const widths = [...parts, all].map((part) => chanceRange(part)[1] - chanceRange(part)[0]);
  assert.ok(widths[3]! < Math.min(...widths.slice(0, 3)), widths.join(' '));
  assert.is(pooledCorrelation([]), null);
});

test.run();

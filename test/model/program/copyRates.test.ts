import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { copyRates } from '../../../model/program/copyRates.ts';
import type { Interval, LinkSeries } from '../../../model/program/timeline.ts';

const test = suite('rates of copies');

function copy(fields: Partial<Interval>): Interval {
  return {
    ...{ rank: 0, track: 'h2d', name: 'prefetch', category: 'prefetch', startS: 0, endS: 1 },
    ...{ op: 0, position: 0, bytes: 1e9, ...fields },
  };
}

const rows = (series: readonly LinkSeries[]) =>
  series.map(({ name, timeS, bytesPerS }) => [
    name,
    timeS.map((time, index) => [time, bytesPerS[index]! / 1e9]),
  ]);

test('both directions of a rank, and host memory as their sum', () => {
  const moved = [copy({}), copy({ startS: 1, endS: 3 }), copy({ track: 'd2h', startS: 2, endS: 3 })];
  assert.equal(rows(copyRates(moved)), [
    [
      'H2D copies',
      [
        [0, 1],
        [1, 0.5],
        [3, 0],
      ],
    ],
    [
      'D2H copies',
      [
        [0, 0],
        [2, 1],
        [3, 0],
      ],
    ],
    [
      'host memory, copies',
      [
        [0, 1],
        [1, 0.5],
        [2, 1.5],
        [3, 0],
      ],
    ],
  ]);
});

test('of several ranks, each by its name', () => {
  const names = copyRates([copy({}), copy({ rank: 1 })]).map(({ name }) => name);
  assert.equal(names, ['rank 0 H2D copies', 'rank 1 H2D copies', 'host memory, copies']);
});

test('kernels, and copies of nothing, have no rate', () => {
  const still = [copy({ track: 'compute' }), copy({ bytes: 0 }), copy({ endS: 0 })];
  assert.equal(copyRates(still), []);
});

test('any copies: rates over time are the bytes that moved, times grow, and in the end nothing moves', () => {
  const any = fc
    .record({
      rank: fc.integer({ min: 0, max: 2 }),
      track: fc.constantFrom('h2d', 'd2h'),
      startS: fc.integer({ min: 0, max: 50 }),
      lengthS: fc.integer({ min: 1, max: 9 }),
      bytes: fc.integer({ min: 1, max: 1e9 }),
    })
    .map(({ lengthS, ...rest }) => copy({ ...rest, endS: rest.startS + lengthS }));
  fc.assert(
    fc.property(fc.array(any, { minLength: 1 }), (moved) => {
      const series = copyRates(moved);
      const total = moved.reduce((sum, { bytes }) => sum + bytes, 0);
      const integrals = series.map(integral);
      const parts = integrals.slice(0, -1).reduce((sum, bytes) => sum + bytes, 0);
      for (const bytes of [parts, integrals.at(-1)!]) assert.ok(Math.abs(bytes - total) <= 1e-9 * total);
      for (const { timeS, bytesPerS } of series) {
        assert.ok(timeS.every((time, index) => index === 0 || time > timeS[index - 1]!));
        assert.is(bytesPerS.at(-1), 0);
      }
    }),
  );
});

function integral({ timeS, bytesPerS }: LinkSeries): number {
  return bytesPerS
    .slice(0, -1)
    .reduce((sum, rate, index) => sum + rate * (timeS[index + 1]! - timeS[index]!), 0);
}

test.run();

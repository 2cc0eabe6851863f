import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { derivedIntervals } from '../../../studies/calibration/derivedIntervals.ts';
import type { Values } from '../../../studies/calibration/stage.ts';

const test = suite('intervals of numbers made of several parameters');

const parameters = [
  { name: 'a', low95: 9, high95: 12 },
  { name: 'b', low95: 2, high95: 2 },
  { name: 'c', low95: 3, high95: 6 },
];
const of = (value: (values: Values) => number) =>
  derivedIntervals(
    (values) => [{ key: 'key', unit: 'plain', value: value(values), of: ['a'] }],
    { a: 10, b: 2, c: 4 },
    parameters,
  ).get('key');

test('of one parameter they are its own, turned round where it counts against the number', () => {
  assert.equal(
    of(({ a }) => 2 * a!),
    [18, 24],
  );
  assert.equal(
    of(({ a }) => 100 - a!),
    [88, 91],
  );
});

test('of several they add up like independent errors, to each side by itself', () => {
  // Downwards 1 and 1, upwards 2 and 2.
  assert.equal(
    of(({ a, c }) => a! + c!),
    [Number((14 - Math.SQRT2).toPrecision(6)), Number((14 + 2 * Math.SQRT2).toPrecision(6))],
  );
});

test('a number that nothing moves, or that is 0, has none', () => {
  assert.is(
    of(({ b }) => b!),
    undefined,
  );
  assert.is(
    of(() => 0.99),
    undefined,
  );
  assert.is(
    of(({ a }) => Math.max(0, a! - 20)),
    undefined,
  );
});

test('no interval reaches below zero', () => {
  assert.equal(
    of(({ a, c }) => a! * c! - 26),
    [Number((14 - Math.hypot(4, 10)).toPrecision(6)), Number((14 + Math.hypot(8, 20)).toPrecision(6))],
  );
  assert.equal(
    of(({ c }) => c! - 3),
    [0.01, 3],
  );
});

test.run();

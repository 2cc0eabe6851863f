import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  constant,
  type Laurent,
  larger,
  smaller,
  symbol,
} from '../../../../search/explain/sensitivity/laurent.ts';

const test = suite('sums of products of powers');
const [a, b] = [symbol('a', 3), symbol('b', 0.25)];
const near = (value: number, expected: number) =>
  assert.ok(Math.abs(value - expected) <= 1e-9 * Math.max(1, Math.abs(expected)), `${value}, ${expected}`);

/** Worth of the terms, the other road to `value`. */
const worth = (sum: Laurent) =>
  sum.terms.reduce(
    (total, { coefficient, powers }) => total + coefficient * 3 ** (powers.a ?? 0) * 0.25 ** (powers.b ?? 0),
    0,
  );

const anySum = fc
  .array(
    fc.tuple(
      fc.integer({ min: -9, max: 9 }),
      fc.integer({ min: -2, max: 2 }),
      fc.integer({ min: -2, max: 2 }),
    ),
    {
      maxLength: 5,
    },
  )
  .map((terms) =>
    terms.reduce((sum, [factor, ofA, ofB]) => {
      const power = (base: Laurent, exponent: number) =>
        Array.from({ length: Math.abs(exponent) }).reduce<Laurent>(
          (product) => product.times(exponent < 0 ? base.inverse() : base),
          constant(1),
        );
      return sum.plus(constant(factor).times(power(a, ofA)).times(power(b, ofB)));
    }, constant(0)),
  );

test('what is added and multiplied is worth the sum and the product', () => {
  fc.assert(
    fc.property(anySum, anySum, (one, other) => {
      near(worth(one), one.value);
      near(one.plus(other).value, one.value + other.value);
      near(worth(one.plus(other)), one.value + other.value);
      near(worth(one.minus(other)), one.value - other.value);
      near(worth(one.times(other)), one.value * other.value);
    }),
  );
});

test('what cancels is gone, and then worth nothing', () => {
  const sum = a.times(b.inverse()).plus(b).plus(constant(0.1));
  const gone = sum.plus(a).minus(sum).minus(a);
  assert.is(gone.terms.length, 0);
  assert.is(gone.value, 0);
  // 0.1 + 0.2 is not 0.3, which must not leave a term behind.
  const tenths = constant(0.1).plus(constant(0.2)).minus(constant(0.3));
  assert.is(tenths.terms.length, 0);
});

test('equal products are one term', () => {
  const sum = a.times(b).plus(b.times(a)).plus(a.times(a).times(b).times(a.inverse()));
  assert.equal(sum.terms, [{ coefficient: 3, powers: { a: 1, b: 1 } }]);
});

test('only a product has an inverse', () => {
  near(constant(4).times(a).inverse().value, 1 / 12);
  assert.throws(() => a.plus(b).inverse(), /expected one term to divide by, got 2/);
  assert.throws(() => constant(0).inverse(), /got 0/);
});

test('the smaller and the larger are by value', () => {
  assert.is(smaller(a, b), b);
  assert.is(larger(a, b), a);
});

test.run();

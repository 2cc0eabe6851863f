import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { prefixesOf, prefixFactor } from '../../../model/input/prefixedUnit.ts';
import { type Dimension, mathjsFactor, quantity } from '../../../model/input/quantity.ts';
import { UserError } from '../../../model/input/userError.ts';

const test = suite('quantities');

const EXACT: [text: string, dimension: Dimension, value: number][] = [
  ['16 MiB', 'bytes', 16_777_216],
  ['16MiB', 'bytes', 16_777_216],
  [' 16 MiB ', 'bytes', 16_777_216],
  ['16 MB', 'bytes', 16_000_000],
  ['64 KiB', 'bytes', 65_536],
  ['1 TB', 'bytes', 1_000_000_000_000],
  ['0 B', 'bytes', 0],
  // Exponents, as programs write large numbers.
  ['1e3 MB', 'bytes', 1_000_000_000],
  ['1E3 MB', 'bytes', 1_000_000_000],
  ['2.5e+2 kB', 'bytes', 250_000],
  ['5e-1 GB', 'bytes', 500_000_000],
  // Tenths and thirds of a giga are whole numbers of bytes and must come out as such.
  ['30.5 GB/s', 'rate', 30_500_000_000],
  ['4.1 GB/s', 'rate', 4_100_000_000],
  ['55.4 GB/s', 'rate', 55_400_000_000],
  ['12.4 GB/s', 'rate', 12_400_000_000],
  ['49.6 GB/s', 'rate', 49_600_000_000],
  ['23.64 GB / s', 'rate', 23_640_000_000],
  ['3.35 TB/s', 'rate', 3_350_000_000_000],
  ['756 TFLOP/s', 'compute', 756_000_000_000_000],
  ['0.989 PFLOP/s', 'compute', 989_000_000_000_000],
  ['690 W', 'power', 690],
  ['0.7 kW', 'power', 700],
  ['1.98 GHz', 'frequency', 1_980_000_000],
  ['+2 s', 'time', 2],
  ['5 minutes', 'time', 300],
];
for (const [text, dimension, value] of EXACT) {
  test(`${text} is ${value}`, () => assert.is(quantity(text, dimension), value));
}

/** Below one of the library's unit there is no whole number to land on; a few units in the last place are left. */
const NEAR: [text: string, dimension: Dimension, value: number][] = [
  ['2.5 us', 'time', 2.5e-6],
  ['40us', 'time', 40e-6],
  ['0.8 ms', 'time', 0.8e-3],
  ['1.5e-3 s', 'time', 1.5e-3],
  ['1.075 pJ/FLOP', 'energyPerFlop', 1.075e-12],
  ['40 pJ/B', 'energyPerByte', 40e-12],
];
for (const [text, dimension, value] of NEAR) {
  test(`${text} is ${value}`, () => {
    const got = quantity(text, dimension);
    assert.ok(Math.abs(got / value - 1) < 1e-15, String(got));
  });
}

const REFUSED: [text: string, dimension: Dimension, message: RegExp][] = [
  ['', 'bytes', /expected a number of bytes such as "16 MiB", got ""/],
  ['12', 'bytes', /got "12"/],
  ['GB', 'bytes', /got "GB"/],
  ['1,5 GB', 'bytes', /got "1,5 GB"/],
  ['1.5.2 GB', 'bytes', /got/],
  ['.5 GB', 'bytes', /got/],
  ['0x10 B', 'bytes', /got/],
  ['NaN B', 'bytes', /got/],
  ['Infinity B', 'bytes', /got/],
  ['16 MB', 'rate', /expected a rate such as "55\.4 GB\/s", got "16 MB"/],
  ['55 GB/s', 'bytes', /expected a number of bytes/],
  ['30.5 GB/s', 'compute', /expected a compute rate such as "756 TFLOP\/s"/],
  ['756 TFLOP', 'compute', /expected a compute rate/],
  ['5 s', 'rate', /expected a rate/],
  ['2 m', 'time', /expected a time such as "2\.5 us", got "2 m"/],
  ['2 GHz', 'time', /expected a time/],
  ['1 pJ/B', 'energyPerFlop', /expected an energy per FLOP/],
  ['1 GB/s/s', 'rate', /expected a rate/],
  ['5 furlongs', 'bytes', /expected a number of bytes/],
  ['-3 GB/s', 'rate', /that is not negative, got "-3 GB\/s"/],
  ['-1e-9 s', 'time', /that is not negative/],
  ['1e400 s', 'time', /got "1e400 s"/],
  ['12 GT/s', 'rate', /got "12 GT\/s"; for PCIe give pcie: \{gen, lanes\} instead of GT\/s/],
  ['1 constructor', 'time', /expected a time/],
  ['1 __proto__', 'time', /expected a time/],
  ['1 s; import("fs")', 'time', /expected a time/],
  ['2 s * 3', 'time', /expected a time/],
  [`1 ${'s'.repeat(10_000)}`, 'time', /expected a time/],
];
for (const [text, dimension, message] of REFUSED) {
  test(`refuses ${text.slice(0, 30)} as ${dimension}`, () =>
    assert.throws(
      () => quantity(text, dimension),
      (error: Error) =>
        error instanceof UserError && message.test(error.message) && error.message.length < 250,
    ));
}

const UNITS = ['s', 'B', 'B/s', 'FLOP/s', 'W', 'J/FLOP', 'J/B', 'Hz'];
for (const unit of UNITS) {
  test(`prefixes of ${unit} have mathjs's factors, to the last bit`, () => {
    for (const prefix of prefixesOf(unit).keys()) {
      const written = `${prefix}${unit}`;
      assert.is(prefixFactor(written, unit), mathjsFactor(written, unit), written);
    }
  });
}

const NO_PREFIX: [written: string, unit: string][] = [
  ['days', 's'],
  ['GB / s', 'B/s'],
  ['GB/ms', 'B/s'],
  ['GHz', 's'],
  ['constructors', 's'],
  ['', 's'],
];
for (const [written, unit] of NO_PREFIX) {
  test(`"${written}" is no prefix before ${unit}`, () => assert.is(prefixFactor(written, unit), undefined));
}

// Up to 1e15: beyond that two roundings of a double can be a whole byte.
test('a tenth of any prefix is exact: k/10 of 10^n bytes/s is k x 10^(n-1)', () => {
  const prefixes = fc.constantFrom<[string, number]>(['kB', 1e3], ['MB', 1e6], ['GB', 1e9], ['TB', 1e12]);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9_999 }), prefixes, (tenths, [prefix, factor]) => {
      const text = `${Math.floor(tenths / 10)}.${tenths % 10} ${prefix}/s`;
      assert.is(quantity(text, 'rate'), (tenths * factor) / 10, text);
    }),
  );
});

test('binary prefixes are powers of 1024', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4000 }), fc.integer({ min: 0, max: 4 }), (count, power) => {
      const unit = ['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]!;
      assert.is(quantity(`${count} ${unit}`, 'bytes'), count * 1024 ** power);
    }),
  );
});

test.run();

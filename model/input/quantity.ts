import type { MathJsInstance } from 'mathjs';
import { mathjs } from './math.ts';
import { prefixFactor } from './prefixedUnit.ts';
import { shown, UserError } from './userError.ts';

/** What a quantity measures, with the unit that the library uses inside and an example of what people write. */
const DIMENSIONS = {
  time: { name: 'a time', unit: 's', example: '2.5 us' },
  bytes: { name: 'a number of bytes', unit: 'B', example: '16 MiB' },
  rate: { name: 'a rate', unit: 'B/s', example: '55.4 GB/s' },
  compute: { name: 'a compute rate', unit: 'FLOP/s', example: '756 TFLOP/s' },
  power: { name: 'a power', unit: 'W', example: '700 W' },
  energyPerFlop: { name: 'an energy per FLOP', unit: 'J/FLOP', example: '0.6 pJ/FLOP' },
  energyPerByte: { name: 'an energy per byte', unit: 'J/B', example: '20 pJ/B' },
  frequency: { name: 'a frequency', unit: 'Hz', example: '1.98 GHz' },
} as const;

export type Dimension = keyof typeof DIMENSIONS;

let withFlop: MathJsInstance | undefined;

/** mathjs, which does not know FLOP by itself. */
function unitMathjs(): MathJsInstance {
  if (withFlop === undefined) {
    withFlop = mathjs();
    withFlop.createUnit('FLOP', { prefixes: 'short' });
  }
  return withFlop;
}

/** By what is written, then what is wanted. */
const factors = new Map<string, number>();

/** Factor from one unit to another by mathjs, which knows minutes and days too; null where there is none. */
export function mathjsFactor(written: string, unit: string): number | null {
  const key = `${written} in ${unit}`;
  const known = factors.get(key);
  if (known !== undefined) return known;
  const math = unitMathjs();
  try {
    const factor = math.unit(1, written).toNumber(unit);
    factors.set(key, factor);
    return factor;
  } catch {
    return null;
  }
}

const NUMBER_THEN_UNIT = /^\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*([A-Za-zµ][A-Za-zµ/ ]*)$/;

/**
 * A quantity as people write it (`16 MiB`, `55 GB/s`, `2.5 us`), in the library's unit: seconds, bytes,
 * bytes/s, FLOP/s, watts, joules per FLOP or byte, hertz.
 *
 * PCIe lane speeds in GT/s have no place here: mathjs reads `T` as tesla. Give generation and width instead.
 *
 * @throws UserError if the text has no unit, the wrong dimension, or is negative.
 * @example quantity('16 MiB', 'bytes') // 16777216
 */
export function quantity(text: string, dimension: Dimension): number {
  const { name, unit, example } = DIMENSIONS[dimension];
  const expected = `expected ${name} such as "${example}"`;
  const match = NUMBER_THEN_UNIT.exec(text);
  if (match === null) throw new UserError(`${expected}, got ${shown(text)}`);
  if (/GT\/s/.test(text)) {
    throw new UserError(`${expected}, got ${shown(text)}; for PCIe give pcie: {gen, lanes} instead of GT/s`);
  }
  const written = match[2]!.trim();
  const factor = prefixFactor(written, unit) ?? mathjsFactor(written, unit);
  if (factor === null) throw new UserError(`${expected}, got ${shown(text)}`);
  // The number goes through Number() and only the unit has a factor, so 30.5 GB/s is 30500000000 exactly.
  let value = Number(match[1]) * factor;
  const whole = Math.round(value);
  if (factor >= 1 && Math.abs(value - whole) < 1e-9 * whole) value = whole;
  if (value < 0 || !Number.isFinite(value))
    throw new UserError(`${expected} that is not negative, got ${shown(text)}`);
  return value;
}

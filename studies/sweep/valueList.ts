import { type Dimension, quantity } from '../../model/input/quantity.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import type { ValueRange, Values } from './sweepFormat.ts';

const NUMBER_AND_UNIT = /^\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(\D.*?)?\s*$/;
/** Digits of a range's values: below a double's own, so that 0.1 steps do not print as 0.30000000000000004. */
const DIGITS = 12;

/**
 * The values of a list or of a range, as people would write each.
 *
 * @throws UserError for a range whose ends are no numbers of one unit, and for a logarithmic one that touches 0.
 * @example valueTexts({ from: '10 GB/s', to: '40 GB/s', steps: 3, log: true }) // ['10 GB/s', '20 GB/s', '40 GB/s']
 */
export function valueTexts(values: Values): string[] {
  if (Array.isArray(values)) return values.map(String);
  const [from, to] = [endOf(values, 'from'), endOf(values, 'to')];
  if (from.unit !== to.unit)
    throw new UserError(`from ${shown(values.from)}, to ${shown(values.to)}: expected both with one unit`);
  if (values.log && (from.number <= 0 || to.number <= 0))
    throw new UserError(`log: expected ends above 0, got ${shown(values.from)} and ${shown(values.to)}`);
  return Array.from({ length: values.steps }, (_, step) => {
    const share = step / (values.steps - 1);
    const number = values.log
      ? from.number * (to.number / from.number) ** share
      : from.number + (to.number - from.number) * share;
    return `${Number(number.toPrecision(DIGITS))}${from.unit === '' ? '' : ` ${from.unit}`}`;
  });
}

function endOf(range: ValueRange, key: 'from' | 'to'): { number: number; unit: string } {
  const match = NUMBER_AND_UNIT.exec(String(range[key]));
  if (match === null)
    throw new UserError(`${key}: expected a number such as 4 or "20 GB/s", got ${shown(range[key])}`);
  return { number: Number(match[1]), unit: match[2] ?? '' };
}

/** What a column of such values is called behind the key: the library's unit of the dimension. */
const SUFFIXES = {
  time: 'S',
  bytes: 'Bytes',
  rate: 'BytesPerS',
  compute: 'FlopPerS',
  power: 'W',
  energyPerFlop: 'JPerFlop',
  energyPerByte: 'JPerByte',
  frequency: 'Hz',
} as const satisfies Record<Dimension, string>;

/** Values as numbers in the library's unit, with that unit's suffix; null where they are no numbers of one dimension. */
export function numbersOf(texts: readonly string[]): { suffix: string; numbers: number[] } | null {
  const plain = texts.map((text) => (text.trim() === '' ? Number.NaN : Number(text)));
  if (plain.every(Number.isFinite)) return { suffix: '', numbers: plain };
  for (const dimension of Object.keys(SUFFIXES) as Dimension[]) {
    const numbers = texts.map((text) => quantityOrNull(text, dimension));
    if (numbers.every((number) => number !== null)) return { suffix: SUFFIXES[dimension], numbers };
  }
  return null;
}

function quantityOrNull(text: string, dimension: Dimension): number | null {
  try {
    return quantity(text, dimension);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

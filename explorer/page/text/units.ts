import { format } from 'd3-format';

const whole = format(',.0f');
const oneDigit = format(',.1f');
const twoDigits = format(',.2f');
const twoSignificant = format('.2~r');
const GiB = 2 ** 30;

/** A time in milliseconds with the digits that tell it from its neighbours. @example milliseconds(3.6605) // '3,661 ms' */
export function milliseconds(seconds: number): string {
  return `${millisecondsNumber(seconds)} ms`;
}

/** The same without its unit, for an interval whose end has it. */
function millisecondsNumber(seconds: number): string {
  const ms = 1e3 * seconds;
  if (ms >= 100) return whole(ms);
  return ms >= 10 ? oneDigit(ms) : twoDigits(ms);
}

/** Milliseconds as tables of the command line have them. */
export function tableMs(seconds: number): string {
  return oneDigit(1e3 * seconds);
}

/** @example interval([3.48, 3.85]) // '3,480 to 3,850 ms', both ends rounded to three digits as the command line does */
export function interval([low, high]: readonly [number, number]): string {
  const [from, to] = [low, high].map((seconds) => threeDigits(1e3 * seconds)) as [string, string];
  return `${from} to ${to} ms`;
}

function threeDigits(value: number): string {
  const rounded = Number(value.toPrecision(3));
  const digits = rounded >= 100 ? whole : rounded >= 10 ? oneDigit : twoDigits;
  return digits(rounded);
}

/** @example gibibytes(5289738624) // '4.9 GiB' */
export function gibibytes(bytes: number): string {
  return `${gibibytesNumber(bytes)} GiB`;
}

export function gibibytesNumber(bytes: number): string {
  return oneDigit(bytes / GiB);
}

/** @example gigabytesPerS(55.5e9) // '55.5 GB/s' */
export function gigabytesPerS(rate: number): string {
  return `${oneDigit(rate / 1e9)} GB/s`;
}

/** A share without its unit's digits that nobody reads. @example percent(0.1234) // '12 %' */
export function percent(share: number): string {
  const value = 100 * share;
  return `${Math.abs(value) < 10 ? oneDigit(value) : whole(value)} %`;
}

export function ratio(value: number): string {
  return twoDigits(value);
}

/** A count of tokens or frames, or a batch, of which parts are said. */
export function amount(value: number): string {
  if (value < 1) return twoSignificant(value);
  return value < 10 && !Number.isInteger(value) ? oneDigit(value) : whole(value);
}

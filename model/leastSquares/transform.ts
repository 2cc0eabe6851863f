import type { Parameter } from './problem.ts';

/** Shares stay this far from their bounds, of the range between them, so that they have a place on the line. */
const EDGE = 1e-6;

/** Where a parameter's value lies on the line that the search walks on. */
export function toLine({ scale, low, high }: Parameter, value: number): number {
  if (scale === 'log') return Math.log(value);
  if (scale === 'linear') return value;
  const share = Math.min(1 - EDGE, Math.max(EDGE, (value - low) / (high - low)));
  return Math.log(share / (1 - share));
}

/** The value at a place on the line, within the parameter's bounds. */
export function fromLine({ scale, low, high }: Parameter, place: number): number {
  if (scale === 'log') return Math.min(high, Math.max(low, Math.exp(place)));
  if (scale === 'linear') return Math.min(high, Math.max(low, place));
  return low + (high - low) / (1 + Math.exp(-place));
}

/** A place on the line, moved to where its bounds are. */
export function withinBounds(parameter: Parameter, place: number): number {
  const [from, to] = [toLine(parameter, parameter.low), toLine(parameter, parameter.high)];
  return Math.min(to, Math.max(from, place));
}

/** A small step on the line, for differences. */
export function smallStep({ scale, low, high }: Parameter): number {
  return scale === 'linear' ? 1e-3 * (high - low) : 2e-3;
}

/** Whether a value lies at one of its bounds, so that the search would have gone on. */
export function isAtBound({ low, high, scale }: Parameter, value: number): boolean {
  if (scale === 'log') {
    const near = 1e-3 * Math.log(high / low);
    return Math.log(value / low) < near || Math.log(high / value) < near;
  }
  const near = 1e-3 * (high - low);
  return value - low < near || high - value < near;
}

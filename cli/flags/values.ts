import { InvalidArgumentError } from 'commander';

/** Values of a flag that may be repeated. */
export function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}

export function wholeFromZero(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('Expected a whole number.');
}

export function wholeFromOne(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('Expected a whole number of at least 1.');
}

/** As `wholeFromOne`, with a message of its own for what is no number. */
export function countFromOne(text: string): number {
  return wholeFromOne(String(wholeFromZero(text)));
}

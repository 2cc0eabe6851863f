import type { Provenance } from '../system.ts';

/** A number as a machine file has it. */
export interface FileNumber {
  is: string | number;
  from: Provenance;
  source?: string;
  /** Of a plain number; one with a unit has lost its own here. */
  interval?: readonly number[] | undefined;
}

/** A checked number as it was written. */
export function numberOf({ is, from, source = '', interval }: FileNumber): FileNumber {
  return {
    is,
    from,
    ...(source !== '' && { source }),
    ...(typeof is === 'number' && interval !== undefined && { interval }),
  };
}

/** Bytes/s as a machine file has them. */
export function rateNumber(bytesPerS: number, from: Provenance, source: string): FileNumber {
  return { is: `${Number((bytesPerS / 1e9).toPrecision(6))} GB/s`, from, source };
}

export function defaultNumber(is: string | number, source = ''): FileNumber {
  return numberOf({ is, from: 'default', source });
}

/** A checked part of a file, its numbers as they were written. */
export function asWritten(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('is' in value && 'from' in value) return numberOf(value as FileNumber);
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([key, inner]) => [key, asWritten(inner)]));
}

import { basename } from 'node:path';
import { median } from 'simple-statistics';
import type { CopyReading } from '../../imports/importedReading.ts';
import { type FittedEntry, written } from '../machineValues.ts';

/** Rates of one kind of copy by GPU, with where the first of them stands. */
export interface RatesByGpu {
  byGpu: ReadonlyMap<number, number>;
  /** Of the first of them, `file:line`. */
  source: string;
}

export interface MeasuredCopies {
  entries: Map<string, FittedEntry>;
  notes: string[];
}

/** Rates by GPU; the median where a GPU was measured several times. */
export function byGpu(readings: readonly CopyReading[]): RatesByGpu | null {
  const [first] = readings;
  if (first === undefined) return null;
  const gpus = [...new Set(readings.map(({ gpu }) => gpu))];
  const rateOf = (gpu: number) =>
    median(readings.filter((one) => one.gpu === gpu).map(({ bytesPerS }) => bytesPerS));
  return { byGpu: new Map(gpus.map((gpu) => [gpu, rateOf(gpu)])), source: basename(first.source) };
}

/** A measured rate as a machine file has it. */
export function measuredRate(bytesPerS: number, source: string, spread: number | null = null): FittedEntry {
  const at = (value: number) => written(value / 1e9, 'GB/s') as string;
  return {
    ...{ is: at(bytesPerS), from: 'measured', source: `nvbandwidth, ${source}` },
    ...(spread !== null && {
      interval: [at(Math.max(0.01 * bytesPerS, bytesPerS - spread)), at(bytesPerS + spread)],
    }),
  };
}

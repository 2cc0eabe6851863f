import { median } from 'simple-statistics';
import { MiB } from '../../model/input/byteUnits.ts';
import { type ErrorStatistics, errorStatistics } from '../heldOut/errorStatistics.ts';
import type { FittedStage, ReadingError } from './fitMachine.ts';
import type { Side } from './readings.ts';

/** Readings on one side of the split, of a stage or of several. */
export interface ReadingGroup {
  name: string;
  side: Side;
  readings: readonly ReadingError[];
}

export interface ReadingStatistics extends ErrorStatistics {
  /** Median of how far the rounds of a reading lie apart, relative. */
  spread: number;
}

/** The readings of each stage on both sides of the split. */
export function stageGroups(stages: readonly FittedStage[]): ReadingGroup[] {
  return stages.flatMap(({ name, errors }) =>
    (['fit', 'held-out'] as const).map((side) => ({ name, side, readings: errors[side] })),
  );
}

/** Held-out readings of several stages together, each once: some stages share readings. */
export function heldOutGroups(stages: readonly FittedStage[]): ReadingGroup[] {
  const readings = new Map(
    stages.flatMap((stage) =>
      stage.errors['held-out'].map((error) => [`${error.groupSize} ${error.id} ${error.quantity}`, error]),
    ),
  );
  const together = (name: string, isOf: (error: ReadingError, bytes: number) => boolean): ReadingGroup => ({
    ...{ name, side: 'held-out' },
    readings: [...readings.values()].filter((error) => error.bytes !== null && isOf(error, error.bytes)),
  });
  return [
    together('all alone, 1 MiB or more', ({ isBeside }, bytes) => !isBeside && bytes >= MiB),
    together('all beside copies', ({ isBeside }) => isBeside),
  ];
}

/** @returns null for no readings at all. */
export function readingStatistics(readings: readonly ReadingError[]): ReadingStatistics | null {
  const errors = errorStatistics(readings.map(({ error }) => error));
  return errors === null ? null : { ...errors, spread: median(readings.map(({ spread }) => spread)) };
}

/** Readings of a side, each with its stage, the farthest off first. */
export function farthestOff(
  stages: readonly FittedStage[],
  side: Side,
): (ReadingError & { stage: string })[] {
  return stages
    .flatMap(({ name, errors }) => errors[side].map((error) => ({ stage: name, ...error })))
    .sort((a, b) => Math.abs(b.error) - Math.abs(a.error));
}

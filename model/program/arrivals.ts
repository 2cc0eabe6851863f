import type { StepProgram } from './stepProgram.ts';
import type { Arrival, Interval } from './timeline.ts';

/**
 * Which block each chunk was copied for, where both lie in the step, in the order of the chunks.
 *
 * A chunk for the next step has no arrow, though its block also ran in this one; where the copy was issued in the step before, and
 * lies at this step's start, it has. A program says the same of measured intervals, whose operations are those of rank 0.
 *
 * @param program that the intervals are of.
 */
export function arrivalsOf(intervals: readonly Interval[], { ops }: StepProgram): Arrival[] {
  const firstKernels = firstKernelsOf(intervals);
  return intervals.flatMap((chunk) => {
    const op = ops[chunk.op];
    if (chunk.category !== 'prefetch' || op?.kind !== 'copy' || op.target === null) return [];
    const block = firstKernels.get(placeOf(chunk.rank, op.target.position));
    if (block === undefined) return [];
    const isForNextStep = op.target.stepsAhead === 1 && chunk.endS > block.startS;
    return isForNextStep ? [] : [{ chunk, block }];
  });
}

/** The first kernel of each block, by rank and position. */
function firstKernelsOf(intervals: readonly Interval[]): Map<string, Interval> {
  const first = new Map<string, Interval>();
  for (const interval of intervals) {
    if (interval.category !== 'compute') continue;
    const place = placeOf(interval.rank, interval.position);
    const known = first.get(place);
    if (known === undefined || interval.startS < known.startS) first.set(place, interval);
  }
  return first;
}

function placeOf(rank: number, position: number): string {
  return `${rank}.${position}`;
}

import { kindOf } from './labels.ts';
import type { Interval, Timeline } from './timeline.ts';
import { wholeCollectives } from './wholeCollectives.ts';

/** What one kind of operation came to over a step. */
export interface SegmentTotal {
  /** As a block names it, such as `qkv` or `QKV all-to-all out`. */
  name: string;
  category: Interval['category'];
  /** Intervals that were summed: chunks and pieces count one by one. */
  count: number;
  seconds: number;
}

/**
 * Sums the intervals of rank 0's step by category and name, in that order: seconds = sum of (end - start).
 *
 * Block, pass, chunk and piece numbers are left out of the names, and a collective that was recorded as a beginning and an
 * end counts once, from the start of the one to the end of the other: totals of measured and of simulated steps have the
 * same names. Categories overlap in time, so their seconds do not add up to the step's.
 *
 * @example segmentTotals(simulate(workload, system, plan, { timeline: true }).timeline!)
 */
export function segmentTotals({ intervals }: Timeline): SegmentTotal[] {
  const totals = new Map<string, SegmentTotal>();
  for (const { category, name, startS, endS } of wholeCollectives(
    intervals.filter(({ rank }) => rank === 0),
  )) {
    const kind = kindOf(name) || category;
    const key = `${category} ${kind}`;
    const total = totals.get(key) ?? { name: kind, category, count: 0, seconds: 0 };
    totals.set(key, { ...total, count: total.count + 1, seconds: total.seconds + (endS - startS) });
  }
  return [...totals].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, total]) => total);
}

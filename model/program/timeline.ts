/** What an interval is, for colours and filters. */
export const CATEGORIES = ['compute', 'collective', 'prefetch', 'staging', 'host', 'stall'] as const;
export type Category = (typeof CATEGORIES)[number];

/** Parts of a staged collective that a measurement records one by one: its marks, and the sums between. */
export const PHASES = ['begin', 'end', 'sum'] as const;
export type Phase = (typeof PHASES)[number];

/** One operation or chunk on one stream or engine. Seconds from the start of the recorded step. */
export interface Interval {
  rank: number;
  /** `compute`, `collective`, `copy`, ... for streams; `h2d`, `d2h` for copy engines. */
  track: string;
  name: string;
  category: Category;
  /** Of a part of a staged collective; a whole one, and everything else, has none. */
  phase?: Phase | undefined;
  startS: number;
  endS: number;
  /** Operation of the StepProgram; -1 where there is none. */
  op: number;
  /** Block position it works for; -1 for none. */
  position: number;
  bytes: number;
}

/** Rate of a link over time, bytes/s; each value holds until the next. */
export interface LinkSeries {
  name: string;
  capacityBytesPerS: number;
  timeS: readonly number[];
  bytesPerS: readonly number[];
}

/** A chunk of weights that was copied, and the first kernel of the block that had to wait for it. */
export interface Arrival {
  chunk: Interval;
  block: Interval;
}

/**
 * Intervals of operations on streams over one steady step, predicted or measured: one type for both, so that
 * they can be laid over each other.
 */
export interface Timeline {
  /** `simulated`, or where it was measured. */
  source: string;
  stepTimeS: number;
  intervals: readonly Interval[];
  links: readonly LinkSeries[];
  /** Which block each chunk was copied for, where both lie in the step; empty where no program says it. */
  arrivals: readonly Arrival[];
}

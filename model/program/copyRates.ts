import type { Interval, LinkSeries } from './timeline.ts';

const DIRECTIONS = { h2d: 'H2D copies', d2h: 'D2H copies' } as const;

/**
 * What the copy engines moved over time: of each rank and direction, and of all together, which is what host memory was read and
 * written by them. Rates are a chunk's bytes over its seconds; kernels that read host memory themselves are not in it.
 *
 * Of measured and of simulated steps alike, since it knows intervals alone.
 */
export function copyRates(intervals: readonly Interval[]): LinkSeries[] {
  const moving = intervals.filter(
    ({ track, bytes, startS, endS }) => track in DIRECTIONS && bytes > 0 && endS > startS,
  );
  const ranks = [...new Set(moving.map(({ rank }) => rank))].sort((a, b) => a - b);
  const several = ranks.length > 1;
  const series = ranks.flatMap((rank) =>
    Object.entries(DIRECTIONS).flatMap(([track, name]) => {
      const own = moving.filter((interval) => interval.rank === rank && interval.track === track);
      return own.length === 0 ? [] : [rateSeries(several ? `rank ${rank} ${name}` : name, own)];
    }),
  );
  return moving.length === 0 ? [] : [...series, rateSeries('host memory, copies', moving)];
}

/** The sum of the rates of what moves at a time; 0 where nothing does. */
function rateSeries(name: string, moving: readonly Interval[]): LinkSeries {
  const changes = moving
    .flatMap(({ startS, endS, bytes }) => {
      const bytesPerS = bytes / (endS - startS);
      return [
        { timeS: startS, by: 1, bytesPerS },
        { timeS: endS, by: -1, bytesPerS },
      ];
    })
    .sort((a, b) => a.timeS - b.timeS || a.by - b.by);
  const timeS = [0];
  const bytesPerS = [0];
  let running = 0;
  let total = 0;
  for (const change of changes) {
    running += change.by;
    // Nothing moves where nothing runs, whatever is left of the sums by rounding.
    total = running === 0 ? 0 : total + change.by * change.bytesPerS;
    if (timeS.at(-1) === change.timeS) bytesPerS[bytesPerS.length - 1] = total;
    else {
      timeS.push(change.timeS);
      bytesPerS.push(total);
    }
  }
  return { name, capacityBytesPerS: Number.POSITIVE_INFINITY, timeS, bytesPerS };
}

import { max, min } from 'simple-statistics';
import { UserError } from '../../model/input/userError.ts';
import { kindOf } from '../../model/program/labels.ts';
import { CATEGORIES, type Category, type Timeline } from '../../model/program/timeline.ts';
import { name, number } from './chart.ts';
import { role, seriesRole } from './theme.ts';

/** Place of each category in the palette. */
const SERIES: Readonly<Record<Category, number>> = {
  compute: 0,
  collective: 1,
  prefetch: 2,
  staging: 4,
  host: 7,
  stall: 3,
};
/** Height of a track, pixels. */
export const TRACK_PX = 22;

/** Flags and launches take no width that could be seen; their tracks would stand empty. As a share of the block. */
const SHORTEST = 1e-3;

/** Tracks from the top; others follow by name. */
const TRACKS = ['compute', 'waits', 'collective', 'h2d', 'd2h', 'stage-in', 'stage-out', 'host'];

/** What happened on a track while a block ran, milliseconds from the block's start. */
export interface Bar {
  track: string;
  /** As every block and chunk of its kind is called. */
  name: string;
  category: Category;
  fromMs: number;
  toMs: number;
}

/** Both name streams; a simulated copy stream is seen on its engine. */
const TRACK_NAMES: Readonly<Record<string, string>> = { copy: 'h2d' };

/**
 * What rank 0 does while a block runs, from its first compute or collective to its last.
 *
 * @param block position in the step.
 * @throws UserError where the timeline has no such block.
 */
export function blockBars(
  { intervals, source }: Timeline,
  block: number,
): { bars: Bar[]; fromS: number; toS: number } {
  const own = intervals.filter(
    ({ rank, position, category }) =>
      rank === 0 && position === block && (category === 'compute' || category === 'collective'),
  );
  if (own.length === 0)
    throw new UserError(`--block ${block}: the timeline (${source}) has no block ${block}; choose another`);
  const fromS = min(own.map(({ startS }) => startS));
  const toS = max(own.map(({ endS }) => endS));
  const bars = intervals
    .filter(({ rank, startS, endS }) => rank === 0 && endS > fromS && startS < toS)
    .filter(({ startS, endS }) => endS - startS > SHORTEST * (toS - fromS))
    .map(({ track, name: label, category, startS, endS }) => ({
      track: TRACK_NAMES[track] ?? track,
      name: kindOf(label) || category,
      category,
      // Copies reach over the block's edges.
      fromMs: (Math.max(startS, fromS) - fromS) * 1e3,
      toMs: (Math.min(endS, toS) - fromS) * 1e3,
    }));
  return { bars, fromS, toS };
}

/** The axis of time within a block; of views below each other only the lowest names it. */
export function blockTime(field: string, longestMs: number, isNamed: boolean) {
  return number(field, isNamed ? 'ms from the start of the block' : null, {
    scale: { domain: [0, longestMs], nice: false },
    axis: { labels: isNamed },
  });
}

/** Categories of bars in their order. */
export function categoriesOf(bars: readonly Bar[]): Category[] {
  return CATEGORIES.filter((of) => bars.some(({ category }) => category === of));
}

/** Bars of the chart's data on their tracks, without a height. */
export function trackView(
  filter: object,
  {
    longestMs,
    isLowest,
    categories,
  }: { longestMs: number; isLowest: boolean; categories: readonly Category[] },
) {
  return {
    data: { name: 'rows' },
    transform: [{ filter }, { calculate: 'datum.toMs - datum.fromMs', as: 'lastsMs' }],
    mark: { type: 'bar', stroke: role('paper'), strokeWidth: 0.3 },
    encoding: {
      x: blockTime('fromMs', longestMs, isLowest),
      x2: { field: 'toMs' },
      y: name('track', null, { sort: TRACKS }),
      color: name('category', null, {
        scale: { domain: [...categories], range: categories.map((of) => seriesRole(SERIES[of])) },
      }),
      tooltip: [
        ...[name('name', 'operation'), name('category', 'kind'), name('track', 'stream or engine')],
        number('fromMs', 'from (ms)', { format: '.3f' }),
        number('toMs', 'to (ms)', { format: '.3f' }),
        number('lastsMs', 'takes (ms)', { format: '.3f' }),
      ],
    },
  };
}

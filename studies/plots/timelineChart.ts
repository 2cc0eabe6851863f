import { max, min } from 'simple-statistics';
import type { TopLevelSpec } from 'vega-lite';
import { UserError } from '../../model/input/userError.ts';
import type { Interval, Timeline } from '../../model/program/timeline.ts';

const CATEGORIES: readonly Interval['category'][] = [
  'compute',
  'collective',
  'prefetch',
  'staging',
  'host',
  'stall',
];
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#e69f00', '#999999', '#cc79a7'];
/** Height of a track, and width of the chart, in SVG units. */
const TRACK = 22;
const WIDTH = 720;

/** Flags and launches take no width that could be seen; their tracks would stand empty. As a share of the block. */
const SHORTEST = 1e-3;

/** A timeline under the name that its rows get. */
export interface NamedTimeline {
  name: string;
  timeline: Timeline;
}

/**
 * One block of several timelines, one above the other on one time axis, each from the moment its block begins; rank 0.
 *
 * @param block position in the step.
 * @throws UserError where a timeline has no such block.
 */
export function timelineChart(
  timelines: readonly NamedTimeline[],
  block: number,
  title: string,
): TopLevelSpec {
  const values = timelines.flatMap(({ name, timeline }) => blockIntervals(timeline, block, name));
  const longestMs = max(values.map(({ toMs }) => toMs));
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: title, offset: 10 },
    vconcat: timelines.map(({ name }, index) => {
      const own = values.filter((value) => value.timeline === name);
      return {
        title: { text: `${name}: ${max(own.map(({ toMs }) => toMs)).toFixed(2)} ms`, fontSize: 11 },
        data: { values: own },
        width: WIDTH,
        height: { step: TRACK },
        mark: { type: 'bar' as const, stroke: 'white', strokeWidth: 0.3 },
        encoding: {
          x: {
            field: 'fromMs',
            type: 'quantitative' as const,
            scale: { domain: [0, longestMs] as [number, number], nice: false },
            title: index === timelines.length - 1 ? 'ms from the start of the block' : null,
          },
          x2: { field: 'toMs' },
          y: { field: 'track', type: 'nominal' as const, title: null },
          color: {
            field: 'category',
            type: 'nominal' as const,
            title: null,
            scale: { domain: [...CATEGORIES], range: COLOURS },
          },
          tooltip: [
            { field: 'name', type: 'nominal' as const },
            { field: 'fromMs', type: 'quantitative' as const, format: '.3f' },
            { field: 'toMs', type: 'quantitative' as const, format: '.3f' },
          ],
        },
      };
    }),
    resolve: { scale: { color: 'shared' } },
  };
}

interface Bar {
  timeline: string;
  track: string;
  name: string;
  category: Interval['category'];
  fromMs: number;
  toMs: number;
}

/** Both name streams; a simulated copy stream is seen on its engine. */
const TRACK_NAMES: Readonly<Record<string, string>> = { copy: 'h2d' };

function blockIntervals({ intervals, source }: Timeline, block: number, timeline: string): Bar[] {
  const own = intervals.filter(
    ({ rank, position, category }) =>
      rank === 0 && position === block && (category === 'compute' || category === 'collective'),
  );
  if (own.length === 0)
    throw new UserError(`--block ${block}: the timeline (${source}) has no block ${block}; choose another`);
  const fromS = min(own.map(({ startS }) => startS));
  const toS = max(own.map(({ endS }) => endS));
  return intervals
    .filter(({ rank, startS, endS }) => rank === 0 && endS > fromS && startS < toS)
    .filter(({ startS, endS }) => endS - startS > SHORTEST * (toS - fromS))
    .map(({ track, name, category, startS, endS }) => ({
      timeline,
      track: TRACK_NAMES[track] ?? track,
      name,
      category,
      // Copies reach over the block's edges.
      fromMs: (Math.max(startS, fromS) - fromS) * 1e3,
      toMs: (Math.min(endS, toS) - fromS) * 1e3,
    }));
}

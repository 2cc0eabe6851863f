import { max } from 'simple-statistics';
import type { Timeline } from '../../model/program/timeline.ts';
import { blockBars, categoriesOf, TRACK_PX, trackView } from './blockBars.ts';
import type { Chart } from './chart.ts';

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
  subtitle: readonly string[] = [],
): Chart {
  const rows = timelines.flatMap(({ name, timeline }) =>
    blockBars(timeline, block).bars.map((bar) => ({ timeline: name, ...bar })),
  );
  const longestMs = max(rows.map(({ toMs }) => toMs));
  const categories = categoriesOf(rows);
  return {
    title,
    subtitle,
    columns: 1,
    groups: timelines.map(({ name }, index) => {
      const own = rows.filter((row) => row.timeline === name);
      const view = trackView(
        { field: 'timeline', equal: name },
        { longestMs, isLowest: index === timelines.length - 1, categories },
      );
      return {
        heading: `${name}: ${max(own.map(({ toMs }) => toMs)).toFixed(2)} ms`,
        views: [{ ...view, height: { step: TRACK_PX } }],
      };
    }),
    rows,
    legend: categories,
    resolve: { scale: { color: 'shared' } },
  };
}

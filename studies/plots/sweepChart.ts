import { median } from 'simple-statistics';
import { grouped } from '../../model/input/grouped.ts';
import { type Chart, name, number, type Row } from './chart.ts';
import { columnTitle } from './columnTitle.ts';
import { seriesColours, seriesDashes } from './series.ts';

/** A row of a sweep's results, as a chart shows it. */
export interface SweepPoint {
  x: number | string;
  y: number;
  /** Series, such as a plan. */
  by: string;
  /** Panel, such as a machine. */
  facet: string;
}

/** What the axes are called, and which are logarithmic. */
export interface SweepAxes {
  x: string;
  y: string;
  by: string | null;
  facet: string | null;
  logX: boolean;
  logY: boolean;
}

/** Panels that a page can hold. */
export const MOST_PANELS = 24;
const COLUMNS = 2;

/**
 * Results of a sweep: a line for each series, a panel for each facet, all on the same axes. Where several rows share a place, all are
 * points, and the line goes through their medians.
 *
 * @throws Error for no rows, and for more than 24 panels.
 */
export function sweepChart(
  points: readonly SweepPoint[],
  axes: SweepAxes,
  title: string,
  subtitle: readonly string[],
): Chart {
  if (points.length === 0) throw new Error('a sweep without rows cannot be drawn');
  const facets = distinct(points.map(({ facet }) => facet));
  if (facets.length > MOST_PANELS) throw new Error(`${facets.length} panels cannot be drawn`);
  const series = distinct(points.map(({ by }) => by));
  const medians = mediansOf(points);
  const most = Math.max(...medians.map(({ rows }) => rows));
  const layers = layersOf(points, axes, series);
  return {
    title,
    subtitle: [
      ...subtitle,
      ...(most > 1
        ? [
            `${isNumber(points) ? 'lines' : 'large marks'}: medians of the up to ${most} rows at each place, which are the points`,
          ]
        : []),
    ],
    columns: facets.length > 1 ? COLUMNS : 1,
    groups: facets.map((facet) => ({
      ...(axes.facet !== null && { heading: facet }),
      views: [{ height: { ofWidth: 0.6, most: facets.length > 1 ? 220 : 340 }, layer: layers(facet) }],
    })),
    rows: points.map(rowOf(axes)),
    guides: { medians: medians.map(({ rows: _, ...point }) => rowOf(axes)(point)) },
    legend: series,
  };
}

function isNumber(points: readonly SweepPoint[]): boolean {
  return points.every(({ x }) => typeof x === 'number');
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

function mediansOf(points: readonly SweepPoint[]): (SweepPoint & { rows: number })[] {
  const places = grouped(points, ({ x, by, facet }) => JSON.stringify([x, by, facet]));
  return [...places.values()].map((here) => ({
    ...here[0]!,
    ...{ y: median(here.map(({ y }) => y)), rows: here.length },
  }));
}

/** Fields of the chart's rows: columns where an axis is one, else the axis' own letter. */
function fieldsOf({ x, y, by, facet }: SweepAxes) {
  const field = (text: string | null, letter: string) =>
    text !== null && /^[A-Za-z]\w*$/.test(text) ? text : letter;
  const fields = {
    x: field(x, 'x'),
    y: field(y, 'y'),
    by: field(by, 'series'),
    facet: field(facet, 'panel'),
  };
  const isTwice = new Set(Object.values(fields)).size < 4;
  return isTwice ? { x: 'x', y: 'y', by: 'series', facet: 'panel' } : fields;
}

function rowOf(axes: SweepAxes): (point: SweepPoint) => Row {
  const fields = fieldsOf(axes);
  return ({ x, y, by, facet }) => ({
    ...(axes.facet !== null && { [fields.facet]: facet }),
    ...(axes.by !== null && { [fields.by]: by }),
    ...{ [fields.x]: x, [fields.y]: y },
  });
}

function layersOf(points: readonly SweepPoint[], axes: SweepAxes, series: readonly string[]) {
  const fields = fieldsOf(axes);
  const [xTitle, yTitle] = [columnTitle(axes.x), columnTitle(axes.y)];
  const byTitle = axes.by === null ? null : columnTitle(axes.by);
  const isOfNumbers = isNumber(points);
  const x = isOfNumbers
    ? number(fields.x, xTitle, {
        scale: { ...logScale(axes.logX), domain: domainOf(points.map((point) => point.x as number)) },
        axis: { format: formatOf(points.map((point) => point.x as number)), tickCount: 6 },
      })
    : name(fields.x, xTitle, {
        type: 'ordinal',
        sort: distinct(points.map((point) => String(point.x))),
        axis: { labelAngle: 0 },
      });
  const y = number(fields.y, yTitle, {
    scale: { ...logScale(axes.logY), domain: domainOf(points.map((point) => point.y)) },
    axis: { format: formatOf(points.map((point) => point.y)), tickCount: 5 },
  });
  const legend = { symbolType: 'stroke', symbolSize: 300, symbolStrokeWidth: 2 };
  const colour = name(fields.by, byTitle, { scale: seriesColours(series), legend });
  const dash = name(fields.by, byTitle, {
    scale: { domain: [...series], range: seriesDashes(series) },
    legend,
  });
  const bySeries = axes.by === null ? {} : { color: colour };
  const tooltip = [
    ...(axes.by === null ? [] : [name(fields.by, byTitle)]),
    isOfNumbers ? number(fields.x, xTitle, { format: '.4~s' }) : name(fields.x, xTitle),
    number(fields.y, yTitle, { format: '.4~s' }),
  ];
  return (facet: string): Row[] => {
    const transform = axes.facet === null ? [] : [{ filter: { field: fields.facet, equal: facet } }];
    // Between names there is nothing for a line to go through.
    const middle = isOfNumbers
      ? {
          ...{ data: { name: 'medians' }, transform, mark: { type: 'line', strokeWidth: 1.6 } },
          encoding: { x, y, ...bySeries, ...(axes.by !== null && { strokeDash: dash }) },
        }
      : {
          ...{ data: { name: 'medians' }, transform },
          mark: { type: 'point', shape: 'diamond', filled: true, size: 90, opacity: 1 },
          encoding: { x, y, ...bySeries, tooltip },
        };
    const dots = {
      ...{ data: { name: 'rows' }, transform, mark: { type: 'point', filled: true, size: 22, opacity: 0.7 } },
      encoding: { x, y, ...bySeries, tooltip },
    };
    return (isOfNumbers ? [middle, dots] : [dots, middle]) as unknown as Row[];
  };
}

/** Prefixes of units for large and small numbers, decimals in between. */
function formatOf(values: readonly number[]): string {
  const most = Math.max(...values.map(Math.abs));
  return most >= 1e5 || most < 1e-2 ? '~s' : '~r';
}

function logScale(isLog: boolean): object {
  return isLog ? { type: 'log', nice: false } : { zero: false };
}

/** All panels show the same range, with a little room. */
function domainOf(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low === high) return low === 0 ? [-1, 1] : [low - Math.abs(low) / 2, low + Math.abs(low) / 2];
  return [low, high];
}

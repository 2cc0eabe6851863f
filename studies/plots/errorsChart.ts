import { mean, quantile } from 'simple-statistics';
import { depthRange } from '../dataset/programDepth.ts';
import type { ComparedStep } from '../heldOut/compareSteps.ts';
import { type Chart, type Group, name, number } from './chart.ts';
import { STEP_TOOLTIP, type StepRow, stepRow } from './predictedVsMeasured.ts';
import { seriesColours } from './series.ts';
import { role, seriesRole } from './theme.ts';

/** Errors that count as right, per cent to each side. */
const BAND_PERCENT = 5;
const BINS = 40;
const STRIP_PX = 20;

/**
 * How the errors of predictions are distributed: all of them as a histogram by place and transport, and below it a panel for each of
 * these with a line for each plan, where the bar goes from the first quartile to the third and the thick tick is the median.
 */
export function errorsChart(steps: readonly ComparedStep[], title: string): Chart {
  return errorsChartOfRows(
    steps.map(stepRow),
    title,
    `programs of ${depthRange(steps.map(({ depth }) => depth))}`,
  );
}

/** The same of any steps that were measured and predicted; `what` says of what they are. */
export function errorsChartOfRows(rows: readonly StepRow[], title: string, what: string): Chart {
  const places = [...new Set(rows.map(({ where }) => where))].sort();
  const errors = rows.map(({ errorPercent }) => errorPercent);
  const most = Math.max(BAND_PERCENT * 1.2, ...errors.map(Math.abs)) * 1.04;
  const sizes = errors.map(Math.abs);
  return {
    title,
    subtitle: [
      `MAPE ${mean(sizes).toFixed(1)} %, bias ${mean(errors).toFixed(1)} %, 95 % of errors within ${quantile(sizes, 0.95).toFixed(1)} %, largest ${Math.max(...sizes).toFixed(1)} %; ${what}`,
    ],
    columns: 1,
    groups: [histogram(places, most), ...places.map((where) => strips(where, rows, most))],
    rows,
    guides: { band: [{ low: -BAND_PERCENT, high: BAND_PERCENT }] },
    legend: places,
    resolve: { scale: { color: 'independent' } },
  };
}

function error(field: string, most: number) {
  return number(field, 'error (%)', { scale: { domain: [-most, most], nice: false, padding: 0 } });
}

function band(most: number) {
  return {
    data: { name: 'band' },
    mark: { type: 'rect', color: role('band') },
    encoding: { x: error('low', most), x2: { field: 'high' } },
  };
}

function histogram(places: readonly string[], most: number): Group {
  const bin = { extent: [-most, most], step: (2 * most) / BINS };
  return {
    views: [
      {
        height: 120,
        layer: [
          band(most),
          {
            data: { name: 'rows' },
            transform: [{ bin, field: 'errorPercent', as: ['fromPercent', 'toPercent'] }],
            mark: { type: 'bar', stroke: role('paper'), strokeWidth: 0.3 },
            encoding: {
              x: error('fromPercent', most),
              x2: { field: 'toPercent' },
              y: { aggregate: 'count', type: 'quantitative', title: 'steps' },
              color: name('where', 'measured on', { scale: seriesColours(places) }),
              tooltip: [
                name('where', 'measured on'),
                { aggregate: 'count', type: 'quantitative', title: 'steps' },
                number('fromPercent', 'errors from (%)', { format: '+.2f' }),
                number('toPercent', 'to (%)', { format: '+.2f' }),
              ],
            },
          },
        ],
      },
    ],
  };
}

function strips(where: string, rows: readonly StepRow[], most: number): Group {
  const own = rows.filter((row) => row.where === where);
  const sizes = own.map(({ errorPercent }) => Math.abs(errorPercent));
  const y = name('preset', null, { sort: 'ascending' });
  const ofPlace = { data: { name: 'rows' }, transform: [{ filter: { field: 'where', equal: where } }] };
  const quartiles = {
    ...ofPlace,
    transform: [
      ...ofPlace.transform,
      {
        aggregate: [
          { op: 'q1', field: 'errorPercent', as: 'first' },
          { op: 'median', field: 'errorPercent', as: 'middle' },
          { op: 'q3', field: 'errorPercent', as: 'third' },
        ],
        groupby: ['preset'],
      },
    ],
  };
  return {
    heading: `${where}: ${own.length} steps, MAPE ${mean(sizes).toFixed(1)} %`,
    views: [
      {
        height: { step: STRIP_PX },
        layer: [
          band(most),
          {
            ...quartiles,
            mark: { type: 'bar', size: 10, color: seriesRole(0), opacity: 0.35 },
            encoding: { x: error('first', most), x2: { field: 'third' }, y },
          },
          {
            ...ofPlace,
            mark: { type: 'point', size: 16, strokeWidth: 1, opacity: 0.9, color: seriesRole(0) },
            encoding: {
              x: error('errorPercent', most),
              y,
              tooltip: STEP_TOOLTIP,
            },
          },
          {
            ...quartiles,
            mark: { type: 'tick', size: 14, thickness: 2.5, color: seriesRole(1) },
            encoding: { x: error('middle', most), y },
          },
        ],
      },
    ],
  };
}

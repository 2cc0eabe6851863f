import { type Chart, type Group, name, number } from './chart.ts';
import { role, seriesRole } from './theme.ts';

/** One step time of the published comparison. Seconds. */
export interface PublishedRow {
  /** Model and size, such as `Wan2.2-TI2V-5B, 81 frames`. */
  case: string;
  plan: string;
  source: 'published' | 'closed form' | 'simulated';
  stepTimeS: number;
}

const SOURCES: readonly PublishedRow['source'][] = ['published', 'closed form', 'simulated'];
const SOURCE_COLOURS = [seriesRole(7), seriesRole(0), seriesRole(1)];

/**
 * Published step times beside both predictions of them: a panel per case, a group of bars per plan, and on
 * each predicted bar its error.
 */
export function publishedChart(
  rows: readonly PublishedRow[],
  title: string,
  subtitle: readonly string[] = [],
): Chart {
  const cases = [...new Set(rows.map((row) => row.case))];
  return {
    title,
    subtitle,
    columns: 2,
    groups: cases.map((of) => casePanel(of, rows)),
    rows: rows.map((row) => ({ ...row, label: barLabel(row, rows) })),
    legend: SOURCES,
    resolve: { scale: { y: 'shared', color: 'shared' } },
  };
}

function casePanel(of: string, rows: readonly PublishedRow[]): Group {
  const plans = [...new Set(rows.filter((row) => row.case === of).map(({ plan }) => plan))];
  const view = {
    height: 220,
    data: { name: 'rows' },
    transform: [{ filter: { field: 'case', equal: of } }],
    encoding: {
      x: name('plan', null, {
        sort: plans,
        scale: { paddingInner: 0.14, paddingOuter: 0.07 },
        axis: { labelAngle: 0, ticks: false, labelPadding: 6 },
      }),
      xOffset: name('source', null, { sort: SOURCES, scale: { domain: SOURCES } }),
      y: number('stepTimeS', 'step time (s)', { axis: { domain: false, ticks: false, tickCount: 6 } }),
    },
    layer: [
      {
        mark: { type: 'bar', width: { band: 0.94 } },
        encoding: { color: name('source', null, { scale: { domain: SOURCES, range: SOURCE_COLOURS } }) },
      },
      {
        mark: { type: 'text', dy: -6, fontSize: 8, color: role('ink') },
        encoding: { text: name('label', null) },
      },
    ],
  };
  return { heading: of, views: [view] };
}

/** The published time itself, or the error of a prediction of it in percent. */
function barLabel(row: PublishedRow, rows: readonly PublishedRow[]): string {
  if (row.source === 'published') return row.stepTimeS.toFixed(2);
  const published = rows.find(
    (other) => other.source === 'published' && other.case === row.case && other.plan === row.plan,
  );
  if (published === undefined) return '';
  const percent = (row.stepTimeS / published.stepTimeS - 1) * 100;
  return `${percent >= 0 ? '+' : '\u2212'}${Math.abs(percent).toFixed(1)}%`;
}

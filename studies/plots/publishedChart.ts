import type { TopLevelSpec } from 'vega-lite';

/** One step time of the published comparison. Seconds. */
export interface PublishedRow {
  /** Model and size, such as `Wan2.2-TI2V-5B, 81 frames`. */
  case: string;
  plan: string;
  source: 'published' | 'closed form' | 'simulated';
  stepTimeS: number;
}

const SOURCES: readonly PublishedRow['source'][] = ['published', 'closed form', 'simulated'];
const SOURCE_COLOURS = ['#4d4d4d', '#0072b2', '#e69f00'];

/** Room for one bar with its label above it, in SVG units. */
const BAR_WIDTH = 38;

/**
 * Published step times beside both predictions of them: a panel per case, a group of bars per plan, and on
 * each predicted bar its error.
 */
export function publishedChart(rows: readonly PublishedRow[], title?: string): TopLevelSpec {
  const cases = [...new Set(rows.map((row) => row.case))];
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    ...(title !== undefined && { title: { text: title, offset: 12 } }),
    hconcat: cases.map((name, index) => casePanel(name, rows, index === 0)),
    spacing: 28,
    resolve: { scale: { y: 'shared', color: 'shared' } },
  };
}

function casePanel(name: string, rows: readonly PublishedRow[], first: boolean) {
  const own = rows.filter((row) => row.case === name);
  const plans = [...new Set(own.map((row) => row.plan))];
  return {
    title: { text: name, fontSize: 12, anchor: 'middle' as const, offset: 10 },
    data: { values: own.map((row) => ({ ...row, label: barLabel(row, rows) })) },
    width: plans.length * SOURCES.length * BAR_WIDTH,
    height: 220,
    encoding: {
      x: {
        field: 'plan',
        type: 'nominal' as const,
        sort: plans,
        title: null,
        scale: { paddingInner: 0.14, paddingOuter: 0.07 },
        axis: { labelAngle: 0, ticks: false, labelPadding: 6 },
      },
      xOffset: {
        field: 'source',
        type: 'nominal' as const,
        sort: [...SOURCES],
        scale: { domain: [...SOURCES] },
      },
      y: {
        field: 'stepTimeS',
        type: 'quantitative' as const,
        title: first ? 'step time (s)' : null,
        axis: { domain: false, ticks: false, tickCount: 6 },
      },
    },
    layer: [
      {
        mark: { type: 'bar' as const, width: { band: 0.94 } },
        encoding: {
          color: {
            field: 'source',
            type: 'nominal' as const,
            title: null,
            scale: { domain: [...SOURCES], range: [...SOURCE_COLOURS] },
          },
        },
      },
      {
        mark: { type: 'text' as const, dy: -6, fontSize: 9, color: '#333333' },
        encoding: { text: { field: 'label', type: 'nominal' as const } },
      },
    ],
  };
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

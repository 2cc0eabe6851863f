import { GiB } from '../../model/input/byteUnits.ts';
import { NO_TRANSPORT } from '../../model/system/transport.ts';
import { type Chart, name, number } from './chart.ts';
import {
  axesOf,
  type DrawnPlan,
  FRONT_HEIGHT,
  type FrontAxes,
  groupPoints,
  levelLines,
  levelRows,
  place,
  planRows,
  roundBars,
} from './frontLayers.ts';
import { role } from './theme.ts';

/** A best plan under some cap, as it is predicted, and the step that no plan of that memory can beat. */
export interface PredictedPoint {
  gpuPeakBytes: number;
  stepTimeS: number;
  boundS: number;
  plan: string;
  transport: string;
}

/** A plan as it measured; the bar through it goes from its fastest round to its slowest. */
export interface MeasuredPoint {
  gpuBytes: number;
  stepS: number;
  lowS: number;
  highS: number;
  plan: string;
  /** Plans of one series share colour and shape; one named as a transport shares those of its predictions. */
  series: string;
}

export interface Front {
  predicted: readonly PredictedPoint[];
  measured?: readonly MeasuredPoint[];
  /** Step without offload: a horizontal line. */
  noneS?: number;
}

const LINES = [
  { called: 'best plans', color: role('soft') },
  { called: 'lower bound', color: role('line') },
];

/**
 * The trade of GPU memory for step time: the predicted front as a line with hollow points, by the transports of its plans; below it
 * the bound that no plan can beat; measured plans as full points with bars; and the step without offload.
 *
 * @throws Error for a front without points.
 */
export function frontChart(
  { predicted, measured = [], noneS }: Front,
  title: string,
  subtitle: readonly string[] = [],
): Chart {
  if (predicted.length + measured.length === 0) throw new Error('a front without points cannot be drawn');
  const front = predicted.map(predictedPlan);
  const full = measured.map(measuredPlan);
  const bound = predicted
    .map(({ gpuPeakBytes, boundS }) => ({ gib: gpuPeakBytes / GiB, ms: boundS * 1e3, line: 'lower bound' }))
    .sort((a, b) => a.gib - b.gib);
  const best = front.map(({ gib, ms }) => ({ gib, ms, line: 'best plans' })).sort((a, b) => a.gib - b.gib);
  const levels = noneS === undefined ? [] : [{ label: 'no offload', ms: noneS * 1e3 }];
  const groups = [...new Set([...front, ...full].map(({ group }) => group))].sort();
  const axes = axesOf([...front, ...full, ...bound], levels, groups);
  const predictedTitle = full.length > 0 ? 'predicted' : 'transport';
  return {
    title,
    subtitle,
    columns: 1,
    groups: [
      {
        views: [
          {
            height: FRONT_HEIGHT,
            layer: [
              ...levelLines('levels', axes),
              { layer: curves(axes) },
              ...roundBars(axes),
              groupPoints('predicted', axes, predictedTitle, 'above the bound (%)'),
              ...(full.length > 0 ? [groupPoints('measured', axes, 'measured', '')] : []),
            ],
            resolve: { scale: { color: 'independent', shape: 'independent' } },
          },
        ],
      },
    ],
    rows: planRows([...front, ...full]),
    guides: { levels: levelRows(levels, axes), curves: [...best, ...bound] },
    legend: [...groups, ...LINES.map(({ called }) => called)],
  };
}

function predictedPlan({ gpuPeakBytes, stepTimeS, boundS, plan, transport }: PredictedPoint): DrawnPlan {
  return {
    ...{ kind: 'predicted', plan, transport },
    group: transport === NO_TRANSPORT ? 'one rank' : transport,
    ...{ gib: gpuPeakBytes / GiB, ms: stepTimeS * 1e3, percent: 100 * (stepTimeS / boundS - 1) },
    ...{ lowMs: null, highMs: null },
  };
}

function measuredPlan({ gpuBytes, stepS, lowS, highS, plan, series }: MeasuredPoint): DrawnPlan {
  return {
    ...{ kind: 'measured', plan, transport: series, group: series },
    ...{ gib: gpuBytes / GiB, ms: stepS * 1e3, percent: null },
    ...{ lowMs: lowS * 1e3, highMs: highS * 1e3 },
  };
}

/** The front and its bound as lines with a legend of their own. */
function curves(axes: FrontAxes) {
  const color = name('line', null, {
    scale: { domain: LINES.map(({ called }) => called), range: LINES.map((line) => line.color) },
    legend: { symbolType: 'stroke', symbolSize: 200, symbolStrokeWidth: 1.6 },
  });
  // Dots, since the bound of a single plan has no line.
  const dotted = { strokeWidth: 1, point: { size: 10, opacity: 1 } };
  return [
    { line: 'lower bound', look: dotted },
    { line: 'best plans', look: { strokeWidth: 1.6, point: false } },
  ].map(({ line, look }) => ({
    data: { name: 'curves' },
    transform: [{ filter: { field: 'line', equal: line } }],
    mark: { type: 'line', ...look },
    encoding: { ...place(axes), color, order: number('gib', null) },
  }));
}

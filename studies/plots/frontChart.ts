import type { TopLevelSpec } from 'vega-lite';
import { GiB } from '../../model/input/byteUnits.ts';
import { NO_TRANSPORT } from '../../model/system/transport.ts';
import {
  axesOf,
  type DrawnPlan,
  type FrontAxes,
  groupPoints,
  LEGEND,
  levelLines,
  place,
  roundBars,
  sizeOf,
} from './frontLayers.ts';

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

/**
 * The trade of GPU memory for step time: the predicted front as a line with hollow points, by the transports of its plans; below it
 * the bound that no plan can beat; measured plans as full points with bars; and the step without offload.
 *
 * @throws Error for a front without points.
 */
export function frontChart({ predicted, measured = [], noneS }: Front, title: string): TopLevelSpec {
  if (predicted.length + measured.length === 0) throw new Error('a front without points cannot be drawn');
  const front = predicted.map(predictedPlan);
  const full = measured.map(measuredPlan);
  const bound = predicted
    .map(({ gpuPeakBytes, boundS }) => ({ gib: gpuPeakBytes / GiB, ms: boundS * 1e3 }))
    .sort((a, b) => a.gib - b.gib);
  const levels = noneS === undefined ? [] : [{ label: 'no offload', ms: noneS * 1e3 }];
  const groups = [...new Set([...front, ...full].map(({ group }) => group))].sort();
  const axes = axesOf([...front, ...full, ...bound], levels, groups);
  const titles = full.length > 0 ? ['predicted', 'measured'] : ['transport', null];
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: { text: title, offset: 12 },
    ...sizeOf(),
    layer: [
      ...levelLines(levels, axes),
      curves(front, bound, axes),
      ...roundBars(full, axes),
      groupPoints(front, axes, { hollow: true, legend: titles[0]! }),
      ...(full.length > 0 ? [groupPoints(full, axes, { hollow: false, legend: titles[1]! })] : []),
    ],
    resolve: { scale: { color: 'independent', shape: 'independent' } },
  };
}

function predictedPlan({ gpuPeakBytes, stepTimeS, boundS, plan, transport }: PredictedPoint): DrawnPlan {
  const gap = `${(100 * (stepTimeS / boundS - 1)).toFixed(1)} %`;
  const says = { transport, 'above the bound': gap };
  const group = transport === NO_TRANSPORT ? 'one rank' : transport;
  return { plan, group, gib: gpuPeakBytes / GiB, ms: stepTimeS * 1e3, says };
}

function measuredPlan({ gpuBytes, stepS, lowS, highS, plan, series }: MeasuredPoint): DrawnPlan {
  const says = { measured: series };
  const bar = { lowMs: lowS * 1e3, highMs: highS * 1e3 };
  return { plan, group: series, gib: gpuBytes / GiB, ms: stepS * 1e3, says, ...bar };
}

interface Curve {
  name: string;
  points: readonly { gib: number; ms: number }[];
  color: string;
  look: { strokeWidth: number; point: false | { size: number; opacity: number } };
}

/** The front and its bound as lines with a legend of their own. */
function curves(front: readonly DrawnPlan[], bound: Curve['points'], axes: FrontAxes) {
  // Dots, since the bound of a single plan has no line.
  const dotted = { strokeWidth: 1, point: { size: 10, opacity: 1 } };
  const lines: Curve[] = [
    { name: 'lower bound', points: bound, color: '#b0b0b0', look: dotted },
    { name: 'best plans', points: front, color: '#444444', look: { strokeWidth: 1.6, point: false } },
  ];
  const inLegend = [...lines].reverse();
  const scale = { domain: inLegend.map(({ name }) => name), range: inLegend.map(({ color }) => color) };
  const legend = { ...LEGEND, symbolType: 'stroke', symbolSize: 260, symbolStrokeWidth: 1.6 };
  const color = { field: 'curve', type: 'nominal' as const, title: null, scale, legend };
  const order = { field: 'gib', type: 'quantitative' as const };
  return {
    layer: lines.map(({ name, points, look }) => ({
      data: { values: points.map(({ gib, ms }) => ({ gib, ms, curve: name })) },
      mark: { type: 'line' as const, ...look },
      encoding: { ...place(axes), color, order },
    })),
  };
}

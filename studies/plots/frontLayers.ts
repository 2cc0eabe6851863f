/** Parts of the charts that show step time against GPU memory. */
import type { Row } from './chart.ts';
import { name, number } from './chart.ts';
import { bySeries, seriesColours } from './series.ts';
import { FONT_PX, role } from './theme.ts';

/** A ring is larger than a full point, so that both are seen where prediction and measurement agree. */
const FULL = 34;
const RING = 84;
/** Pixels: names of levels must not meet in a chart that is no wider than this. */
const NARROW = 280;
const HEIGHT = 300;
export const FRONT_HEIGHT = { ofWidth: 0.75, most: HEIGHT };

/** One plan as it is drawn. */
export interface DrawnPlan {
  /** What the point shows. */
  kind: 'predicted' | 'measured' | 'other';
  plan: string;
  transport: string;
  /** Gives it colour and shape; points of one group may be joined. */
  group: string;
  gib: number;
  ms: number;
  /** How far a prediction lies above the bound or from the measurement; null where that is no question. */
  percent: number | null;
  /** Of the bar through it, where it was measured. */
  lowMs: number | null;
  highMs: number | null;
}

/** A horizontal line, labelled at its left end. */
export interface Level {
  label: string;
  ms: number;
}

export interface FrontAxes {
  gib: [number, number];
  ms: [number, number];
  groups: readonly string[];
}

/**
 * Axes for points and levels. Memory starts at 0, so that what is saved is seen as a share; time does not. Only points and levels
 * count: a bar that a disturbed round makes long leaves the picture and does not squeeze the rest.
 */
export function axesOf(
  points: readonly { gib: number; ms: number }[],
  levels: readonly Level[],
  groups: readonly string[],
): FrontAxes {
  const ms = [...points, ...levels].map((one) => one.ms);
  const [low, high] = [Math.min(...ms), Math.max(...ms)];
  // All alike is a span too.
  const margin = Math.max(high - low, 0.02 * high) * 0.07;
  const gib = Math.max(...points.map((one) => one.gib)) * 1.04;
  return { gib: [0, gib], ms: [Math.max(0, low - margin), high + margin], groups };
}

const MEMORY = 'GPU memory (GiB)';
const STEP = 'step time (ms)';

export function place(axes: FrontAxes, yField = 'ms') {
  return {
    x: number('gib', MEMORY, { scale: { domain: axes.gib, nice: false }, axis: { labelFlush: false } }),
    y: number(yField, STEP, {
      scale: { domain: axes.ms, nice: false, zero: false },
      axis: { tickCount: 7, format: ',~f' },
    }),
  };
}

/** Points of a kind among the chart's data. */
function ofKind(kind: DrawnPlan['kind']) {
  return { data: { name: 'rows' }, transform: [{ filter: { field: 'kind', equal: kind } }] };
}

function groupColour({ groups }: FrontAxes) {
  return name('group', null, { scale: seriesColours(groups), legend: null });
}

/** Joins the points of each group by memory. */
export function joined(kind: DrawnPlan['kind'], axes: FrontAxes) {
  return {
    ...ofKind(kind),
    mark: { type: 'line', strokeWidth: 1.6 },
    encoding: { ...place(axes), color: groupColour(axes), order: number('gib', null) },
  };
}

/** Points of groups: full ones were measured, hollow ones predicted. Paper below hollow ones keeps lines out of them. */
export function groupPoints(
  kind: 'predicted' | 'measured',
  axes: FrontAxes,
  legend: string | null,
  ofPercent: string,
) {
  const look =
    kind === 'predicted' ? { filled: false, fill: role('paper'), size: RING } : { filled: true, size: FULL };
  return {
    ...ofKind(kind),
    mark: { type: 'point', strokeWidth: 1.5, opacity: 1, ...look },
    encoding: {
      ...place(axes),
      ...bySeries('group', legend, axes.groups),
      tooltip: tooltip(kind, ofPercent),
    },
  };
}

/** Bars of groups from the fastest to the slowest round, behind their points. */
export function roundBars(axes: FrontAxes) {
  const color = groupColour(axes);
  const end = (field: 'lowMs' | 'highMs') => ({
    ...ofKind('measured'),
    mark: { type: 'tick', orient: 'horizontal', size: 7, thickness: 1.1, clip: true },
    encoding: { ...place(axes, field), color },
  });
  return [
    {
      ...ofKind('measured'),
      mark: { type: 'rule', strokeWidth: 1.1, clip: true },
      encoding: { ...place(axes, 'lowMs'), y2: { field: 'highMs' }, color },
    },
    ...[end('lowMs'), end('highMs')],
  ];
}

/** The same of other plans in grey, without ends: many of them lie close. */
export function greyBars(axes: FrontAxes) {
  return {
    ...ofKind('other'),
    mark: { type: 'rule', strokeWidth: 1, clip: true, color: role('line') },
    encoding: { ...place(axes, 'lowMs'), y2: { field: 'highMs' } },
  };
}

/** Grey crosses that are only there to be compared with. */
export function greyPoints(axes: FrontAxes, called: string) {
  return {
    ...ofKind('other'),
    mark: { type: 'point', size: 28, filled: true, opacity: 0.85 },
    encoding: {
      ...place(axes),
      color: name('group', null, { scale: { domain: [called], range: [role('line')] } }),
      shape: name('group', null, { scale: { domain: [called], range: ['cross'] } }),
      tooltip: tooltip('other', ''),
    },
  };
}

/** Names beside points, on paper, so that lines below them do not strike them out. */
export function names(guide: string, axes: FrontAxes) {
  const middle = axes.gib[1] / 2;
  const at = place(axes);
  const side = (right: string | number, left: string | number) => ({
    expr: `datum.gib > ${middle} ? ${JSON.stringify(right)} : ${JSON.stringify(left)}`,
  });
  return onPaper(
    guide,
    { align: side('right', 'left'), dx: side(-8, 8) },
    { ...at, y: { ...at.y, field: 'labelMs' } },
  );
}

/** Names with the heights at which they stand: those of points that lie close are moved apart. */
export function nameRows(
  points: readonly { gib: number; ms: number; label: string }[],
  axes: FrontAxes,
): Row[] {
  let lowestMs = Number.NEGATIVE_INFINITY;
  return [...points]
    .sort((a, b) => a.ms - b.ms)
    .map((point) => {
      const labelMs = Math.max(point.ms, lowestMs);
      lowestMs = labelMs + msOfLine(axes);
      return { ...point, labelMs };
    });
}

function msOfLine({ ms }: FrontAxes): number {
  return ((ms[1] - ms[0]) / (NARROW * FRONT_HEIGHT.ofWidth)) * (FONT_PX + 3);
}

/** Dashed horizontal lines over the whole width, each with its name above its left end. */
export function levelLines(guide: string, axes: FrontAxes) {
  const { x, y } = place(axes);
  return [
    {
      data: { name: guide },
      mark: { type: 'rule', color: role('soft'), strokeWidth: 1, strokeDash: [5, 3] },
      encoding: { y },
    },
    ...onPaper(guide, { align: 'left', baseline: 'bottom', dx: 5, dy: -2 }, { x, y }),
  ];
}

/** Levels with the places of their names: those of lines that lie close stand beside each other, in place of on each other. */
export function levelRows(levels: readonly Level[], axes: FrontAxes): Row[] {
  const lineMs = msOfLine(axes);
  const gibOfLetter = ((axes.gib[1] - axes.gib[0]) / NARROW) * FONT_PX * 0.6;
  let before: { ms: number; endGib: number } | null = null;
  return [...levels]
    .sort((a, b) => a.ms - b.ms)
    .map(({ label, ms }) => {
      const gib: number = before !== null && ms - before.ms < lineMs ? before.endGib : axes.gib[0];
      before = { ms, endGib: gib + gibOfLetter * (label.length + 2) };
      return { label, ms, gib };
    });
}

function onPaper(guide: string, text: object, at: object) {
  const encoding = { ...at, text: name('label', null) };
  const mark = { type: 'text', clip: true, ...text };
  return [
    {
      data: { name: guide },
      mark: { ...mark, stroke: role('paper'), strokeWidth: 3, strokeJoin: 'round' },
      encoding,
    },
    { data: { name: guide }, mark: { ...mark, color: role('ink') }, encoding },
  ];
}

function tooltip(kind: DrawnPlan['kind'], ofPercent: string) {
  return [
    ...[name('plan', 'plan'), name('transport', 'transport'), name('kind', 'shows')],
    ...[number('gib', MEMORY, { format: '.2f' }), number('ms', STEP, { format: ',.2f' })],
    ...(kind === 'predicted' ? [number('percent', ofPercent, { format: '+.1f' })] : rounds()),
  ];
}

function rounds() {
  return [
    number('lowMs', 'fastest round (ms)', { format: ',.2f' }),
    number('highMs', 'slowest round (ms)', { format: ',.2f' }),
  ];
}

/** Plans in the order in which they are drawn, whatever the order in which they come. */
export function planRows(plans: readonly DrawnPlan[]): Row[] {
  return [...plans]
    .sort((a, b) => a.gib - b.gib || b.ms - a.ms || (a.plan < b.plan ? -1 : 1))
    .map((plan) => ({ ...plan }));
}

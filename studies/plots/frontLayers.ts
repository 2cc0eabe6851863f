/** Parts of the charts that show step time against GPU memory. */

/** Groups by colour and by shape: told apart by the colour-blind (Okabe and Ito), and in grey print. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];
const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down'];
/** Everything that is only there to be compared with. */
const GREY = '#8c8c8c';
const WIDTH = 440;
const HEIGHT = 300;
/** A ring is larger than a full point, so that both are seen where prediction and measurement agree. */
const FULL = 34;
const RING = 84;
const FONT_SIZE = 10;

/** These always look alike, so that one chart can be read beside another; others take what is left, in their order. */
const KNOWN: readonly string[] = ['staged-copy', 'staged-sm:2', 'staged-sm:16'];

/** One plan as it is drawn. */
export interface DrawnPlan {
  plan: string;
  /** Gives it colour and shape; points of one group may be joined. */
  group: string;
  gib: number;
  ms: number;
  /** What measured or predicted it, and whatever else its tooltip says, by title. */
  says: Record<string, string>;
  /** Of the bar through it, where it was measured. */
  lowMs?: number;
  highMs?: number;
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

export function sizeOf() {
  return { width: WIDTH, height: HEIGHT };
}

const MEMORY = 'GPU memory (GiB)';
const STEP = 'step time (ms)';

export function place(axes: FrontAxes, yField = 'ms') {
  return {
    x: {
      ...{ field: 'gib', type: 'quantitative' as const, title: MEMORY },
      scale: { domain: axes.gib, nice: false },
      axis: { tickCount: 8, labelFlush: false },
    },
    y: {
      ...{ field: yField, type: 'quantitative' as const, title: STEP },
      scale: { domain: axes.ms, nice: false, zero: false },
      axis: { tickCount: 7 },
    },
  };
}

function colour(groups: readonly string[]) {
  return { domain: [...groups], range: lookOf(groups).map((look) => COLOURS[look]!) };
}

function shape(groups: readonly string[]) {
  return { domain: [...groups], range: lookOf(groups).map((look) => SHAPES[look]!) };
}

function lookOf(groups: readonly string[]): number[] {
  const others = groups.filter((group) => !KNOWN.includes(group));
  const taken = groups.map((group) => KNOWN.indexOf(group));
  const free = COLOURS.map((_, look) => look).filter((look) => !taken.includes(look));
  return groups.map((group) =>
    KNOWN.includes(group) ? KNOWN.indexOf(group) : free[others.indexOf(group) % free.length]!,
  );
}

/** Legend of the groups; colour and shape are one entry each. */
function byGroup(axes: FrontAxes, title: string | null) {
  const field = { field: 'group', type: 'nominal' as const, title };
  return {
    color: { ...field, scale: colour(axes.groups), legend: LEGEND },
    shape: { ...field, scale: shape(axes.groups), legend: LEGEND },
  };
}

/** Beside the picture: plans may be anywhere in it. */
export const LEGEND = {
  orient: 'right' as const,
  labelLimit: 260,
  titleLimit: 260,
  rowPadding: 4,
  offset: 16,
};

/** Joins the points of each group by memory. */
export function joined(points: readonly DrawnPlan[], axes: FrontAxes, strokeDash?: number[]) {
  return {
    data: { values: byMemory(points) },
    mark: { type: 'line' as const, strokeWidth: 1.6, ...(strokeDash && { strokeDash }) },
    encoding: {
      ...place(axes),
      color: { field: 'group', type: 'nominal' as const, scale: colour(axes.groups), legend: null },
      order: { field: 'gib', type: 'quantitative' as const },
    },
  };
}

/** Points of groups: full ones were measured, hollow ones predicted. White below hollow ones keeps lines out of them. */
export function groupPoints(
  points: readonly DrawnPlan[],
  axes: FrontAxes,
  { hollow, legend }: { hollow: boolean; legend: string | null },
) {
  return {
    data: { values: byMemory(points) },
    mark: {
      ...{ type: 'point' as const, strokeWidth: 1.5, opacity: 1 },
      ...(hollow ? { filled: false, fill: 'white', size: RING } : { filled: true, size: FULL }),
    },
    encoding: { ...place(axes), ...byGroup(axes, legend), tooltip: tooltip(points) },
  };
}

/** Bars of groups from the fastest to the slowest round, behind their points. */
export function roundBars(points: readonly DrawnPlan[], axes: FrontAxes) {
  const data = { values: byMemory(points.filter(({ lowMs }) => lowMs !== undefined)) };
  const color = { field: 'group', type: 'nominal' as const, scale: colour(axes.groups), legend: null };
  const end = (field: 'lowMs' | 'highMs') => ({
    data,
    mark: { type: 'tick' as const, orient: 'horizontal' as const, size: 7, thickness: 1.1, clip: true },
    encoding: { ...place(axes, field), color },
  });
  return [
    {
      data,
      mark: { type: 'rule' as const, strokeWidth: 1.1, clip: true },
      encoding: { ...place(axes, 'lowMs'), y2: { field: 'highMs' }, color },
    },
    ...[end('lowMs'), end('highMs')],
  ];
}

/** The same in grey, without ends: many of them lie close. */
export function greyBars(points: readonly DrawnPlan[], axes: FrontAxes) {
  return {
    data: { values: byMemory(points) },
    mark: { type: 'rule' as const, strokeWidth: 1, clip: true, color: GREY },
    encoding: { ...place(axes, 'lowMs'), y2: { field: 'highMs' } },
  };
}

/** Grey crosses that are only there to be compared with. */
export function greyPoints(points: readonly DrawnPlan[], axes: FrontAxes, name: string) {
  const field = { field: 'group', type: 'nominal' as const, title: null, legend: LEGEND };
  return {
    data: { values: byMemory(points) },
    mark: { type: 'point' as const, size: 28, filled: true, opacity: 0.85 },
    encoding: {
      ...place(axes),
      color: { ...field, scale: { domain: [name], range: [GREY] } },
      shape: { ...field, scale: { domain: [name], range: ['cross'] } },
      tooltip: tooltip(points),
    },
  };
}

/** Names beside points, on white, so that lines below them do not strike them out. */
export function names(points: readonly { gib: number; ms: number; label: string }[], axes: FrontAxes) {
  const text = { type: 'text' as const, align: 'left' as const, dx: 8, fontSize: FONT_SIZE };
  return onWhite([...points], text, place(axes));
}

/** Dashed horizontal lines over the whole width, each with its name above its left end. */
export function levelLines(levels: readonly Level[], axes: FrontAxes) {
  const values = besideEachOther(levels, axes);
  const { x, y } = place(axes);
  const text = { type: 'text' as const, align: 'left' as const, baseline: 'bottom' as const };
  return [
    {
      data: { values },
      mark: { type: 'rule' as const, color: '#555555', strokeWidth: 1, strokeDash: [5, 3] },
      encoding: { y },
    },
    ...onWhite(values, { ...text, dx: 5, dy: -2, fontSize: FONT_SIZE }, { x, y }),
  ];
}

/** Names of lines that lie close stand beside each other, in place of on each other. */
function besideEachOther(levels: readonly Level[], axes: FrontAxes) {
  const msOfLine = ((axes.ms[1] - axes.ms[0]) / HEIGHT) * (FONT_SIZE + 3);
  const gibOfLetter = ((axes.gib[1] - axes.gib[0]) / WIDTH) * FONT_SIZE * 0.68;
  let before: { ms: number; endGib: number } | null = null;
  return [...levels]
    .sort((a, b) => a.ms - b.ms)
    .map(({ label, ms }) => {
      const gib: number = before !== null && ms - before.ms < msOfLine ? before.endGib : axes.gib[0];
      before = { ms, endGib: gib + gibOfLetter * (label.length + 2) };
      return { label, ms, gib };
    });
}

function onWhite<Mark extends object, Place extends object>(values: object[], text: Mark, at: Place) {
  const encoding = { ...at, text: { field: 'label', type: 'nominal' as const } };
  return [
    {
      data: { values },
      mark: { ...text, stroke: 'white', strokeWidth: 3, strokeJoin: 'round' as const },
      encoding,
    },
    { data: { values }, mark: { ...text, color: '#444444' }, encoding },
  ];
}

function tooltip(points: readonly DrawnPlan[]) {
  const titles = [...new Set(points.flatMap(({ says }) => Object.keys(says)))];
  const number = (field: string, title: string) => ({
    ...{ field, title, format: '.2f', type: 'quantitative' as const },
  });
  return [
    { field: 'plan', type: 'nominal' as const },
    ...titles.map((title) => ({ field: `says.${title}`, title, type: 'nominal' as const })),
    ...[number('gib', MEMORY), number('ms', STEP)],
    ...(points.some(({ lowMs }) => lowMs !== undefined)
      ? [number('lowMs', 'fastest round (ms)'), number('highMs', 'slowest round (ms)')]
      : []),
  ];
}

function byMemory(points: readonly DrawnPlan[]): DrawnPlan[] {
  return [...points].sort((a, b) => a.gib - b.gib || b.ms - a.ms);
}

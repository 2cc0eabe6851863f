import { printable } from '../../model/input/userError.ts';

export type Cell = string | number | boolean | null;
/** One record of a chart's data. Names end in their unit, and are the columns of its CSV. */
export type Row = Readonly<Record<string, Cell>>;

/**
 * One picture with axes: a Vega-Lite unit or layered specification without size, title, and data of its own. Layers read `rows` or a
 * guide by `data: { name }`; colours are roles of the theme.
 */
export interface View {
  /** Pixels, pixels for each of the values of a band scale, or a share of the width that the view gets. */
  height: number | { step: number } | { ofWidth: number; most?: number };
  [key: string]: unknown;
}

/** Views below each other on one horizontal axis, under a heading. */
export interface Group {
  heading?: string;
  views: readonly View[];
  /** How scales of the views are shared, as Vega-Lite has it. */
  resolve?: object;
}

/** A chart without its size and its colours: `render.ts` draws it as a file, `html.ts` puts it into a page. */
export interface Chart {
  title: string;
  /** Device, place, depth of the programs: what a reader must know to believe the picture. */
  subtitle: readonly string[];
  groups: readonly Group[];
  /** Groups beside each other where there is room for them. */
  columns: number;
  /** What is drawn. */
  rows: readonly Row[];
  /** Data of lines and bands that are only there to be compared with. */
  guides?: Readonly<Record<string, readonly Row[]>>;
  /** Texts of the legends, which decide how many stand in a line. */
  legend?: readonly string[];
  /** How scales of groups are shared, as Vega-Lite has it. */
  resolve?: object;
}

/** The chart with its texts free of what neither XML nor a reader's eye survives: control characters and turns of direction. */
export function printableChart(chart: Chart): Chart {
  return cleaned(chart) as Chart;
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return wellFormed(printable(value));
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cleaned(inner)]));
}

/** Halves of surrogate pairs, and the two characters that XML forbids beside them, have no glyph. */
function wellFormed(text: string): string {
  return text.replace(
    /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|[\ufffe\uffff]/g,
    '\ufffd',
  );
}

/** A quantitative channel. */
export function number(field: string, title: string | null, rest: object = {}) {
  return { field, type: 'quantitative' as const, title, ...rest };
}

/** A nominal channel. */
export function name(field: string, title: string | null, rest: object = {}) {
  return { field, type: 'nominal' as const, title, ...rest };
}

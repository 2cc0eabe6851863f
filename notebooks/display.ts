// What a notebook shows of results; the kernel is Deno's, which takes objects that say how they are to be displayed.
import type { TopLevelSpec } from 'vega-lite';
import { renderSvg } from '../experiments/plots/render.ts';

const DISPLAY = Symbol.for('Jupyter.display');

/** Something that a cell may end with: its forms by media type. */
export type Shown = Record<typeof DISPLAY, () => Record<string, unknown>>;

/** A chart as a picture. A cell ends with its value: what a cell awaits last is not shown. */
export async function chart(spec: TopLevelSpec): Promise<Shown> {
  const svg = await renderSvg(spec);
  return { [DISPLAY]: () => ({ 'image/svg+xml': svg }) };
}

/** Rows as a table: numbers with so many digits behind the point. */
export function table(rows: readonly Record<string, string | number>[], digits = 2): Shown {
  const [first] = rows;
  if (first === undefined) throw new Error('a table needs a row');
  const names = Object.keys(first);
  const broken = (name: string) => rows.some((row) => typeof row[name] === 'number' && row[name] % 1 !== 0);
  const cell = (row: Record<string, string | number>, name: string) => {
    const value = row[name];
    return typeof value === 'number' && broken(name) ? value.toFixed(digits) : String(value);
  };
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const markdown = [
    line(names),
    line(names.map((name) => (typeof first[name] === 'number' ? '--:' : '---'))),
    ...rows.map((row) => line(names.map((name) => cell(row, name)))),
  ].join('\n');
  return { [DISPLAY]: () => ({ 'text/markdown': markdown, 'text/plain': markdown }) };
}

import { printable } from '../../model/input/userError.ts';
import { formatOf } from '../../studies/numberText.ts';
import { type Layout, PIPED, type Tone, toned } from './layout.ts';
import { widthOf, wrapped } from './wrap.ts';

/** One column: what its header says (with the unit) and what a row shows in it. Numbers are right-aligned. */
export interface Column<Row> {
  header: string;
  /** A number is printed with `digits` decimals; null means that the question has no answer here. */
  value: (row: Row) => string | number | null;
  digits?: number;
  /** Whether its texts are numbers, too, and stand to the right. */
  right?: boolean;
  /** What a colour says of a cell beside its text. */
  tone?: (row: Row) => Tone | null;
}

const NO_ANSWER = '-';
const GAP = '  ';
/** A column of sentences gets no narrower than this. */
const LEAST_SENTENCE = 24;
/** The column that names the rows stands in front of every block, and takes at most this share of its width. */
const MOST_OF_KEY = 0.45;
/** Blocks of more rows would be read by scrolling: there, each row folds by itself. */
const MOST_ROWS_OF_BLOCK = 30;

/** One column as text: all cells, not padded yet. */
interface Cells {
  header: string;
  cells: readonly string[];
  tones: readonly (Tone | null)[];
  right: boolean;
  width: number;
  /** Width of the cells, and of the longest word of the header. */
  leastWidth: number;
  /** Whether it is sentences, which may take several lines. */
  wraps: boolean;
}

/**
 * Rows as plain text: one header line with a rule below it, columns two spaces apart, a line end after each.
 *
 * Where that is wider than the layout, headers wrap, then columns of sentences. Where that is not enough, columns go on in further blocks,
 * each with the first column in front. Of many rows, and where only sentences do not fit, each row takes several lines instead, as its
 * header does.
 *
 * @example formatTable([{ header: 'step ms', value: (row) => row.ms, digits: 1 }], [{ ms: 1302 }])
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  layout: Layout = PIPED,
): string {
  const all = columns.map((column) => cellsOf(column, rows));
  if (totalWidth(all) <= layout.width) return blockText(all, layout);
  const slim = all.map((column) => ({ ...column, width: column.leastWidth }));
  const fitting = narrowed(slim, layout.width);
  if (fitting !== null) return blockText(fitting, layout);
  const isOfSentences = totalWidth(slim.filter(({ wraps }) => !wraps)) <= layout.width;
  return rows.length > MOST_ROWS_OF_BLOCK || isOfSentences
    ? foldedText(slim, layout)
    : blocksText(slim, layout);
}

function cellsOf<Row>({ header, value, digits, right, tone }: Column<Row>, rows: readonly Row[]): Cells {
  const values = rows.map(value);
  const cells = values.map((one) => formatCell(one, digits));
  const cellWidth = Math.max(0, ...cells.map(widthOf));
  return {
    ...{ header, cells, tones: rows.map((row) => tone?.(row) ?? null) },
    right: right ?? values.some((one) => typeof one === 'number'),
    width: Math.max(widthOf(header), cellWidth),
    leastWidth: Math.max(cellWidth, ...header.split(' ').map(widthOf)),
    wraps: cells.some((cell) => cell.includes(' ') && widthOf(cell) > LEAST_SENTENCE),
  };
}

function totalWidth(columns: readonly Cells[]): number {
  return columns.reduce((sum, { width }) => sum + width, 0) + GAP.length * (columns.length - 1);
}

/** Columns in so much width, sentences wrapped, the widest first; null where that does not do. */
function narrowed(columns: readonly Cells[], width: number): Cells[] | null {
  const over = totalWidth(columns) - width;
  if (over <= 0) return [...columns];
  const sentences = columns.filter((column) => column.wraps && column.width > LEAST_SENTENCE);
  const [widest, next] = sentences.sort((a, b) => b.width - a.width);
  if (widest === undefined) return null;
  // Down to the next widest and a little further, so that two long columns end alike.
  const to = Math.max(LEAST_SENTENCE, Math.min(widest.width - 1, next?.width ?? 0), widest.width - over);
  return narrowed(
    columns.map((one) => (one === widest ? { ...one, width: to } : one)),
    width,
  );
}

/** The column that names the rows, no wider than so much. */
function keyOf(key: Cells, most: number): Cells {
  return { ...key, width: Math.min(key.width, Math.floor(most)) };
}

/** Columns in groups, each of which fits with what stands in front of it. */
function grouped(columns: readonly Cells[], room: (group: number) => number): Cells[][] {
  const groups: Cells[][] = [[]];
  for (const column of columns) {
    const together = [...groups.at(-1)!, column];
    if (groups.at(-1)!.length === 0 || totalWidth(together) <= room(groups.length - 1))
      groups[groups.length - 1] = together;
    else groups.push([column]);
  }
  return groups.map((group, index) => narrowed(group, room(index)) ?? cut(group, room(index)));
}

/** A column that is wider than a line, by itself. */
function cut(group: readonly Cells[], width: number): Cells[] {
  return group.map((column) => ({ ...column, width: Math.min(column.width, Math.max(1, width)) }));
}

function blocksText([first, ...others]: readonly Cells[], layout: Layout): string {
  const key = keyOf(first!, MOST_OF_KEY * layout.width);
  const room = layout.width - key.width - GAP.length;
  return grouped(others, () => room)
    .map((group) => blockText([key, ...group], layout))
    .join('\n');
}

function blockText(columns: readonly Cells[], layout: Layout): string {
  const rule = columns.map(({ width }) => '-'.repeat(width)).join(GAP);
  const rows = columns[0]?.cells.map((_, row) => rowLines(columns, row, layout).join('')) ?? [];
  return [...headerLines(columns, layout), `${rule}\n`, ...rows].join('');
}

/** Each row in as many lines as its header: the first with what names it, the others indented. */
function foldedText(columns: readonly Cells[], layout: Layout): string {
  const lines = grouped(columns, (line) => layout.width - (line === 0 ? 0 : GAP.length));
  const indented = (texts: readonly string[], line: number) =>
    texts.map((text) => (line === 0 ? text : `${GAP}${text}`));
  const headers = lines.flatMap((group, line) => indented(headerLines(group, layout), line));
  const width = lines.reduce((most, group, line) => {
    return Math.max(most, totalWidth(group) + (line === 0 ? 0 : GAP.length));
  }, 0);
  const rows = columns[0]!.cells.flatMap((_, row) =>
    lines.flatMap((group, line) =>
      // A line that says nothing of this row is left out.
      line > 0 && group.every(({ cells }) => cells[row] === '')
        ? []
        : indented(rowLines(group, row, layout), line),
    ),
  );
  return [...headers, `${'-'.repeat(width)}\n`, ...rows].join('');
}

function headerLines(columns: readonly Cells[], layout: Layout): string[] {
  const texts = columns.map(({ header, width }) => wrapped(header, width));
  const height = Math.max(1, ...texts.map(({ length }) => length));
  // Short headers stand right above the rule.
  const lowered = texts.map((lines) => [...Array<string>(height - lines.length).fill(''), ...lines]);
  return lineTexts(columns, lowered, () => 'title', layout);
}

function rowLines(columns: readonly Cells[], row: number, layout: Layout): string[] {
  const texts = columns.map(({ cells, width }) => wrapped(cells[row]!, width));
  return lineTexts(columns, texts, ({ tones }) => tones[row]!, layout);
}

/** Cells beside each other, as many lines as the longest takes. */
function lineTexts(
  columns: readonly Cells[],
  texts: readonly (readonly string[])[],
  toneOf: (column: Cells) => Tone | null,
  layout: Layout,
): string[] {
  const height = Math.max(1, ...texts.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) => {
    const cells = columns.map((column, index) => {
      const text = texts[index]![line] ?? '';
      const pad = ' '.repeat(Math.max(0, column.width - widthOf(text)));
      const shown = toned(text, toneOf(column), layout);
      return column.right ? pad + shown : shown + pad;
    });
    return `${cells.join(GAP).trimEnd()}\n`;
  });
}

function formatCell(value: string | number | null, digits = 0): string {
  if (value === null) return NO_ANSWER;
  if (typeof value === 'string') return printable(value);
  // Rounding noise below zero is zero.
  const rounded = Number(value.toFixed(digits)) === 0 ? 0 : value;
  return formatOf(digits).format(rounded);
}

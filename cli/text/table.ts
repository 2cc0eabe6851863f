/** One column: what its header says (with the unit) and what a row shows in it. Numbers are right-aligned. */
export interface Column<Row> {
  header: string;
  /** A number is printed with `digits` decimals; null means that the question has no answer here. */
  value: (row: Row) => string | number | null;
  digits?: number;
}

const NO_ANSWER = '-';

/**
 * Rows as plain text: one header line with a rule below it, columns two spaces apart, a line end after each.
 *
 * @example formatTable([{ header: 'step ms', value: (row) => row.ms, digits: 1 }], [{ ms: 1302 }])
 */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const layout = columns.map((column) => {
    const values = rows.map((row) => column.value(row));
    const right = values.some((value) => typeof value === 'number');
    const cells = values.map((value) => formatCell(value, column.digits));
    const width = cells.reduce((most, { length }) => Math.max(most, length), column.header.length);
    const pad = (text: string) => (right ? text.padStart(width) : text.padEnd(width));
    return { header: pad(column.header), rule: '-'.repeat(width), cells: cells.map(pad) };
  });
  const line = (cells: string[]) => `${cells.join('  ').trimEnd()}\n`;
  return [
    line(layout.map((column) => column.header)),
    line(layout.map((column) => column.rule)),
    ...rows.map((_, index) => line(layout.map((column) => column.cells[index]!))),
  ].join('');
}

function formatCell(value: string | number | null, digits = 0): string {
  if (value === null) return NO_ANSWER;
  if (typeof value === 'string') return value;
  // Rounding noise below zero is zero.
  const rounded = Number(value.toFixed(digits)) === 0 ? 0 : value;
  return formatOf(digits).format(rounded);
}

/** Formats by their decimals: making one takes a hundred times as long as using it. */
const formats = new Map<number, Intl.NumberFormat>();

function formatOf(digits: number): Intl.NumberFormat {
  const known = formats.get(digits);
  if (known !== undefined) return known;
  const made = new Intl.NumberFormat('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  formats.set(digits, made);
  return made;
}

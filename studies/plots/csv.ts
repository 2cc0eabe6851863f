import { type Cell, type Chart, printableChart } from './chart.ts';

/** A chart's data as CSV (RFC 4180): a column for each field that a record has, in the order in which they appear. */
export function chartCsv(chart: Chart): string {
  const { rows } = printableChart(chart);
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column] ?? null))];
  return lines.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

function csvCell(cell: Cell): string {
  if (cell === null) return '';
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

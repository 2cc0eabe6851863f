import type { Json } from '@duckdb/node-api';
import type { QueryRows } from '../../../studies/query/queryRows.ts';
import type { Output } from '../../output.ts';
import { type Column, formatTable } from '../../text/table.ts';

type Cells = readonly Json[];

/** Digits of a number in a table; --json and --csv have all of them. */
const DIGITS = 6;

/** Rows as an aligned table; of more than `most`, the first. */
export async function printTable(
  { columns, pieces }: QueryRows,
  most: number,
  output: Output,
): Promise<void> {
  const rows: Cells[] = [];
  let isCut = false;
  for await (const piece of pieces) {
    for (const row of piece) {
      if (rows.length < most) rows.push(row);
      else isCut = true;
    }
    if (isCut) break;
  }
  const table = columns.map((header, index): Column<Cells> => {
    const right = rows.every((row) => row[index] === null || typeof row[index] === 'number');
    return { header, value: (row) => shownCell(row[index]!), right };
  });
  output.result(formatTable(table, rows, output.layout));
  if (isCut)
    output.diagnostic(`note: these are the first ${most} rows; --rows shows more, --csv and --json all\n`);
}

function shownCell(value: Json): string | null {
  if (value === null) return null;
  if (typeof value === 'number')
    return String(Number.isInteger(value) ? value : Number(value.toPrecision(DIGITS)));
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Rows as a JSON array of objects, one a line. */
export async function printJson({ columns, pieces }: QueryRows, output: Output): Promise<void> {
  let separator = '[\n';
  for await (const piece of pieces) {
    const lines = piece.map((row) =>
      JSON.stringify(Object.fromEntries(columns.map((column, index) => [column, row[index]!]))),
    );
    if (lines.length > 0) output.result(`${separator}${lines.join(',\n')}`);
    if (lines.length > 0) separator = ',\n';
  }
  output.result(separator === '[\n' ? '[]\n' : '\n]\n');
}

/** Rows as CSV (RFC 4180) with line feeds. */
export async function printCsv({ columns, pieces }: QueryRows, output: Output): Promise<void> {
  output.result(`${columns.map(csvCell).join(',')}\n`);
  for await (const piece of pieces)
    output.result(piece.map((row) => `${row.map(csvCell).join(',')}\n`).join(''));
}

function csvCell(value: Json): string {
  if (value === null) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

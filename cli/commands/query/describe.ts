import type { Json } from '@duckdb/node-api';
import { countText } from '../../../studies/numberText.ts';
import type { Query } from '../../../studies/query/query.ts';
import type { QueryTables } from '../../../studies/query/tables.ts';
import type { Output } from '../../output.ts';
import { formatTable } from '../../text/table.ts';

/** A column as DuckDB's SUMMARIZE has it. */
interface Summary {
  name: string;
  type: string;
  least: string;
  most: string;
  values: number;
  rows: number;
  nullPercent: number;
}

/** Says how many rows the tables have, and of each column what it means and what is in it. */
export async function describeTables(
  query: Query,
  { sweeps, stepsLines, stepsParquet }: QueryTables,
  output: Output,
): Promise<void> {
  const means = new Map(
    sweeps.flatMap(({ manifest }) => manifest.columns.map((column) => [column.name, column.means])),
  );
  if (sweeps.length > 0) {
    const [[rows, errors, fitting] = []] = await all(
      query,
      'SELECT count(*), count(error), count(*) FILTER (fits) FROM sweep',
    );
    const about = `${errors} with an error, ${fitting} whose plan fits`;
    output.result(`sweep: ${countText(Number(rows), 'row')}, ${about}\n`);
    describe(await summaries(query, 'sweep'), means, output);
  }
  if (stepsLines.length + stepsParquet.length > 0) {
    const columns = await summaries(query, 'steps');
    output.result(`${sweeps.length > 0 ? '\n' : ''}steps: ${countText(columns[0]?.rows ?? 0, 'row')}\n`);
    describe(columns, means, output);
  }
}

function describe(columns: readonly Summary[], means: ReadonlyMap<string, string>, output: Output): void {
  const empty = columns.filter(({ nullPercent }) => nullPercent === 100);
  const table = formatTable<Summary>(
    [
      { header: 'column', value: ({ name }) => name },
      { header: 'type', value: ({ type }) => type },
      { header: '~values', value: ({ values }) => values },
      { header: 'null %', value: ({ nullPercent }) => nullPercent },
      { header: 'from .. to', value: rangeText },
      ...(columns.some(({ name }) => means.has(name))
        ? [{ header: 'what it is', value: ({ name }: Summary) => means.get(name) ?? '' }]
        : []),
    ],
    columns.filter((column) => !empty.includes(column)),
    output.layout,
  );
  output.result(table);
  if (empty.length > 0) output.result(`without a value: ${empty.map(({ name }) => name).join(', ')}\n`);
}

async function summaries(query: Query, table: string): Promise<Summary[]> {
  const sql = `SELECT column_name, column_type, min, max, approx_unique, count, null_percentage FROM (SUMMARIZE ${table})`;
  return (await all(query, sql)).map(([name, type, least, most, values, rows, nullPercent]) => ({
    ...{ name: String(name), type: String(type), least: String(least ?? ''), most: String(most ?? '') },
    ...{ values: Number(values), rows: Number(rows), nullPercent: Number(nullPercent) },
  }));
}

async function all(query: Query, sql: string): Promise<(readonly Json[])[]> {
  const { pieces } = await query.read(sql);
  const rows: (readonly Json[])[] = [];
  for await (const piece of pieces) rows.push(...piece);
  return rows;
}

function rangeText({ least, most }: Summary): string {
  return least === most ? shortened(least) : `${shortened(least)} .. ${shortened(most)}`;
}

const MOST_CHARACTERS = 24;

function shortened(text: string): string {
  const number = Number(text);
  if (text.trim() !== '' && Number.isFinite(number)) return String(Number(number.toPrecision(6)));
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 3)}...`;
}

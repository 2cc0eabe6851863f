import { type DuckDBResult, DuckDBTypeId, type Json } from '@duckdb/node-api';
import { saidInOneLine } from './query.ts';

/** A query's answer as it comes: rows in pieces, so that one of any length takes the memory of a piece. */
export interface QueryRows {
  /** No two alike. */
  columns: readonly string[];
  pieces: AsyncIterable<readonly (readonly Json[])[]>;
}

/** Numbers that DuckDB's JSON has as texts, since a double cannot hold all of them. */
const TEXT_NUMBERS = new Set([
  ...[DuckDBTypeId.BIGINT, DuckDBTypeId.UBIGINT, DuckDBTypeId.HUGEINT, DuckDBTypeId.UHUGEINT],
  DuckDBTypeId.DECIMAL,
]);

export function rowsOf(result: DuckDBResult): QueryRows {
  const columns = result.deduplicatedColumnNames();
  const isNumber = columns.map((_, index) => TEXT_NUMBERS.has(result.columnTypeId(index)));
  return { columns, pieces: piecesOf(result, isNumber) };
}

async function* piecesOf(result: DuckDBResult, isNumber: readonly boolean[]): AsyncGenerator<Json[][]> {
  try {
    for await (const rows of result.yieldRowsJson())
      yield rows.map((row) => row.map((value, index) => (isNumber[index] ? numberOf(value) : value)));
  } catch (error) {
    throw saidInOneLine(error);
  }
}

/** A number where a double holds it exactly, the text elsewhere. */
function numberOf(value: Json): Json {
  if (typeof value !== 'string') return value;
  const number = Number(value);
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? value : number;
}

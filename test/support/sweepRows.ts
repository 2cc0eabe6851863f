import { Query } from '../../studies/query/query.ts';
import { tablesAt } from '../../studies/query/tables.ts';
import { PROVENANCE } from '../../studies/sweep/columns.ts';

/** All rows of a sweep's results by point, as JSON, without the columns in which two runs may differ. */
export async function sweepRows(results: string): Promise<string[]> {
  const may = PROVENANCE.map(([name]) => `"${name}"`).join(', ');
  const sql = `SELECT * EXCLUDE (${may}) FROM sweep ORDER BY point, frontIndex`;
  return sqlRows(results, sql);
}

/** An answer's rows as JSON arrays. */
export async function sqlRows(results: string, sql: string): Promise<string[]> {
  const query = await Query.open(tablesAt([results]));
  try {
    const rows: string[] = [];
    for await (const piece of (await query.read(sql)).pieces)
      for (const row of piece) rows.push(JSON.stringify(row));
    return rows;
  } finally {
    query.close();
  }
}

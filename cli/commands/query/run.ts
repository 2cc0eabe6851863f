import { existsSync, renameSync, rmSync } from 'node:fs';
import { shown, UserError } from '../../../model/input/userError.ts';
import { Query } from '../../../studies/query/query.ts';
import type { QueryRows } from '../../../studies/query/queryRows.ts';
import { tablesAt, unfinished } from '../../../studies/query/tables.ts';
import type { Output } from '../../output.ts';
import type { QueryFlags } from './command.ts';
import { describeTables } from './describe.ts';
import { printCsv, printJson, printTable } from './print.ts';

const USUAL_ROWS = 1000;

/** Asks SQL of tables, or says what is in them. */
export async function run(words: readonly string[], flags: QueryFlags, output: Output): Promise<void> {
  refuseSeveral(flags);
  const [first] = words as [string, ...string[]];
  // SQL is no path that is there.
  const sql = existsSync(first) || /\.(jsonl|parquet)$/.test(first) ? null : first;
  const paths = sql === null ? words : words.slice(1);
  if (paths.length === 0)
    throw new UserError(
      `${shown(first)}: of what? give a folder of results, or steps, behind the SQL; a folder of this name is not here`,
    );
  if (sql === null) refuseWithoutSql(flags);
  const tables = tablesAt(paths);
  for (const note of unfinished(tables)) output.diagnostic(`note: ${note}\n`);
  // Beside its place, and there when it is whole.
  const fresh = flags.out === undefined ? undefined : `${flags.out}.${process.pid}.tmp`;
  const query = await Query.open(tables, fresh);
  try {
    if (sql === null) await describeTables(query, tables, output);
    else if (fresh !== undefined) {
      await query.write(sql, fresh);
      renameSync(fresh, flags.out!);
      output.result(`${flags.out}\n`);
    } else await printRows(await query.read(sql), flags, output);
  } finally {
    query.close();
    if (fresh !== undefined) rmSync(fresh, { force: true });
  }
}

function printRows(rows: QueryRows, { json, csv, rows: most }: QueryFlags, output: Output): Promise<void> {
  if (json === true) return printJson(rows, output);
  if (csv === true) return printCsv(rows, output);
  return printTable(rows, most ?? USUAL_ROWS, output);
}

function refuseSeveral({ json, csv, out, rows }: QueryFlags): void {
  const given = [
    ...(json === true ? ['--json'] : []),
    ...(csv === true ? ['--csv'] : []),
    ...(out === undefined ? [] : [`--out ${out}`]),
    ...(rows === undefined ? [] : [`--rows ${rows}`]),
  ];
  if (given.length > 1) throw new UserError(`${given.join(' ')}: give one of them`);
  if (out !== undefined && !out.endsWith('.parquet'))
    throw new UserError(`--out ${shown(out)}: expected a name that ends in .parquet; --csv and --json print`);
}

function refuseWithoutSql({ json, csv, out, rows }: QueryFlags): void {
  if (json === true || csv === true || out !== undefined || rows !== undefined)
    throw new UserError('without SQL a query only says what is there; put "SELECT * FROM sweep" in front');
}

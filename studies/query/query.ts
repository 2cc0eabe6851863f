import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  StatementType,
} from '@duckdb/node-api';
import { shown, UserError } from '../../model/input/userError.ts';
import { DatasetReader } from '../dataset/stepRecords.ts';
import { stepsParquet } from '../dataset/stepsParquet.ts';
import { type QueryRows, rowsOf } from './queryRows.ts';
import type { QueryTables } from './tables.ts';

/** Memory and threads of a query: what is larger goes to no disk, and is refused by DuckDB with this number. */
const MEMORY = '2GiB';

/**
 * SQL over what sweeps and measurements have written, by DuckDB in this process. Statements only read; of files they reach the given
 * ones, and no network.
 */
export class Query {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #scratch: string;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, scratch: string) {
    this.#instance = instance;
    this.#connection = connection;
    this.#scratch = scratch;
  }

  /**
   * @param out a Parquet file that `write` makes.
   * @throws UserError for datasets that are none, and for columns that differ in kind between two sweeps.
   */
  static async open(tables: QueryTables, out?: string): Promise<Query> {
    const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'chunkflow-query-')));
    try {
      const instance = await DuckDBInstance.create(':memory:', {
        ...{ autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' },
        memory_limit: MEMORY,
      });
      const connection = await instance.connect();
      const files = [
        ...(await sweepView(connection, tables)),
        ...(await stepsView(connection, tables, scratch)),
        ...(out === undefined ? [] : [resolve(out)]),
      ];
      await connection.run(`SET allowed_paths = ${listOf(files)}`);
      await connection.run('SET enable_external_access = false');
      await connection.run('SET lock_configuration = true');
      return new Query(instance, connection, scratch);
    } catch (error) {
      rmSync(scratch, { recursive: true, force: true });
      throw saidInOneLine(error);
    }
  }

  /** @throws UserError in one line for SQL that is wrong, or that is more than one statement that reads. */
  async read(sql: string): Promise<QueryRows> {
    const statement = await this.#reading(sql);
    return said(async () => rowsOf(await statement.stream()));
  }

  /** Writes what a statement reads as Parquet, into the file that the query was opened with. */
  async write(sql: string, out: string): Promise<void> {
    await this.#reading(sql);
    // As a text, which may end in a semicolon or a comment.
    const copy = `COPY (FROM query(${textOf(sql)})) TO ${textOf(resolve(out))} (FORMAT parquet)`;
    await said(() => this.#connection.run(copy));
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  async #reading(sql: string): Promise<DuckDBPreparedStatement> {
    const statements = await said(() => this.#connection.extractStatements(sql));
    if (statements.count !== 1)
      throw new UserError(`SQL: expected one statement, got ${statements.count}; ask them one by one`);
    const statement = await said(() => statements.prepare(0));
    if (statement.statementType !== StatementType.SELECT)
      throw new UserError(
        `SQL ${shown(sql)}: a query only reads; begin with SELECT, WITH, FROM, DESCRIBE or SUMMARIZE`,
      );
    return statement;
  }
}

async function sweepView(connection: DuckDBConnection, { sweeps }: QueryTables): Promise<string[]> {
  const files = sweeps.flatMap((folder) => folder.partFiles().map((file) => resolve(file)));
  if (files.length === 0) return [];
  // Parts of one sweep have the same columns; by name, every footer would be read first.
  const byName = sweeps.length > 1 ? ', union_by_name = true' : '';
  await connection.run(`CREATE VIEW sweep AS SELECT * FROM read_parquet(${listOf(files)}${byName})`);
  return files;
}

async function stepsView(
  connection: DuckDBConnection,
  { stepsParquet: files, stepsLines }: QueryTables,
  scratch: string,
): Promise<string[]> {
  const all = files.map((file) => resolve(file));
  if (stepsLines.length > 0) {
    const file = join(scratch, 'steps.parquet');
    writeFileSync(file, stepsParquet(new DatasetReader(stepsLines)).table);
    all.push(file);
  }
  if (all.length === 0) return [];
  await connection.run(
    `CREATE VIEW steps AS SELECT * FROM read_parquet(${listOf(all)}, union_by_name = true)`,
  );
  return all;
}

function listOf(files: readonly string[]): string {
  return `[${files.map(textOf).join(', ')}]`;
}

/** A text as SQL has it. */
function textOf(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

async function said<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw saidInOneLine(error);
  }
}

/** DuckDB's own message without the drawing of where in the SQL it was. */
export function saidInOneLine(error: unknown): unknown {
  if (error instanceof UserError || !(error instanceof Error)) return error;
  const [message = ''] = error.message.split(/\n\s*LINE \d+:/);
  const isOfSql = /^(Failed to \w+ statements: )?[A-Z][A-Za-z ]* Error: /.test(message);
  if (!isOfSql) return error;
  return new UserError(
    `SQL: ${message
      .replace(/^Failed to \w+ statements: /, '')
      .replaceAll(/\s+/g, ' ')
      .trim()}`,
  );
}

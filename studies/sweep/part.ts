import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ByteWriter, type ColumnSource, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { shown, UserError } from '../../model/input/userError.ts';
import type { Column, Row, Value } from './columns.ts';

/** Rows of a row group: what a writer and a reader hold at a time. */
const GROUP_ROWS = 10_000;

/** What the footer of a part says of it. */
export interface PartFacts {
  /** Of the sweep's file. */
  sweep: string;
  task: number;
  points: number;
  rows: number;
  /** Rows that say why there is no answer. */
  errors: number;
  /** CPU time of the thread that answered. */
  cpuS: number;
}

export const FACTS_KEY = 'chunkflow-sweep-part';

/** Rows as Parquet. The same rows and facts give the same bytes. */
export function partBytes(columns: readonly Column[], rows: readonly Row[], facts: PartFacts): Uint8Array {
  const writer = new ByteWriter();
  const schema = schemaFromColumnData({
    columnData: columns.map(({ name, type }) => ({ name, type, data: [] })),
  });
  const kvMetadata = [{ key: FACTS_KEY, value: JSON.stringify(facts) }];
  const parquet = new ParquetWriter({ writer, schema, kvMetadata });
  const columnData = columns.map(
    (column): ColumnSource => ({ name: column.name, data: rows.map((row) => stored(column, row)) }),
  );
  parquet.write({ columnData, rowGroupSize: GROUP_ROWS });
  parquet.finish();
  return new Uint8Array(writer.getBuffer());
}

function stored({ name, type }: Column, row: Row): Value | bigint {
  const value = row[name] ?? null;
  return type === 'INT64' && typeof value === 'number' ? BigInt(value) : value;
}

/**
 * Puts a part in its place, whole and once: it is written beside it, reaches the disk, and is linked there. Where somebody else was
 * first, theirs stays: rows of a task are the same whoever answers it.
 *
 * @returns whether this one is the part now.
 * @throws UserError where it cannot be written.
 */
export function placePart(file: string, bytes: Uint8Array): boolean {
  const own = `${file}.${hostname()}.${process.pid}.${++written}${TEMPORARY}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeThrough(own, bytes);
    const isFirst = linkedFirst(own, file);
    syncFolder(dirname(file));
    return isFirst;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UserError(`${shown(file)}: cannot be written (${code}); make room, or give another --results`);
  } finally {
    rmSync(own, { force: true });
    removeLeftovers(file);
  }
}

const TEMPORARY = '.tmp';
let written = 0;

function writeThrough(file: string, bytes: Uint8Array): void {
  const descriptor = openSync(file, 'wx');
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function linkedFirst(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Where it has vanished, whoever was first has taken it for a leftover.
    if (code === 'EEXIST' || (code === 'ENOENT' && existsSync(file))) return false;
    throw error;
  }
}

/** The folder's entry is as much a part of the file as its bytes. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Removes what killed writers of the same part have left; one that still writes will find the part in its place. */
function removeLeftovers(file: string): void {
  const name = `${basename(file)}.`;
  for (const entry of readdirSync(dirname(file)))
    if (entry.startsWith(name) && entry.endsWith(TEMPORARY))
      rmSync(join(dirname(file), entry), { force: true });
}

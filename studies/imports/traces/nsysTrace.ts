import { mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sqlite from 'node-sqlite3-wasm';
import { UserError } from '../../../model/input/userError.ts';
import { type Activity, type HostRange, kernelKind, type Trace } from './trace.ts';

const REMEDY = 'export it anew with `nsys export --type sqlite`';

/** A global id of a thread is its process's with the thread's number in the last 24 bits. */
const KERNELS = `
  SELECT kernel.start AS start, kernel.end AS end, kernel.deviceId AS device, names.value AS name,
         launches.start AS launch, launches.globalTid AS thread
  FROM CUPTI_ACTIVITY_KIND_KERNEL AS kernel
  JOIN StringIds AS names ON names.id = kernel.demangledName
  LEFT JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS launches
    ON launches.correlationId = kernel.correlationId AND launches.globalTid >> 24 = kernel.globalPid >> 24
  ORDER BY kernel.start`;

/** Push and pop (59), or start and end (60). */
const RANGES = `
  SELECT event.start AS start, event.end AS end, event.globalTid AS thread,
         COALESCE(event.text, names.value) AS name
  FROM NVTX_EVENTS AS event
  LEFT JOIN StringIds AS names ON names.id = event.textId
  WHERE event.eventType IN (59, 60) AND event.end IS NOT NULL
  ORDER BY event.start`;

/** Within the device (8) counts as compute, as a kernel would; to it (1) or from it (2) does not. */
const COPIES = `
  SELECT copy.start AS start, copy.end AS end, copy.deviceId AS device, copy.copyKind AS kind,
         launches.start AS launch, launches.globalTid AS thread
  FROM CUPTI_ACTIVITY_KIND_MEMCPY AS copy
  LEFT JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS launches
    ON launches.correlationId = copy.correlationId AND launches.globalTid >> 24 = copy.globalPid >> 24
  WHERE copy.copyKind IN (1, 2, 8)
  ORDER BY copy.start`;

const NEEDED = ['CUPTI_ACTIVITY_KIND_KERNEL', 'CUPTI_ACTIVITY_KIND_RUNTIME', 'NVTX_EVENTS', 'StringIds'];

type Row = Record<string, number | bigint | string | Uint8Array | null>;

/**
 * Reads what Nsight Systems exports as SQLite. It has no bytes of collectives.
 *
 * @throws UserError for what is no such file, and for one without kernels, launches or ranges.
 */
export function readNsysTrace(file: string): Trace {
  return withDatabase(file, (rows, tables) => {
    const missing = NEEDED.filter((name) => tables.get(name) !== 'table');
    if (missing.length > 0)
      throw new UserError(
        `has no table ${missing.join(', ')}; record with \`nsys profile --trace=cuda,nvtx\` and ${REMEDY}`,
        { file },
      );
    const devices = new Map<number, string>();
    if (tables.get('TARGET_INFO_GPU') === 'table')
      for (const { id, name } of rows('SELECT id, name FROM TARGET_INFO_GPU'))
        devices.set(Number(id), String(name));
    const copies = tables.get('CUPTI_ACTIVITY_KIND_MEMCPY') === 'table' ? rows(COPIES) : [];
    return {
      ...{ file, tool: 'nsys', at: null, cuda: null, devices },
      activities: [
        ...rows(KERNELS).map((row) => activityOf(row, file, kernelKind(String(row.name)))),
        ...copies.map((row) =>
          activityOf({ ...row, name: 'memcpy' }, file, {
            ...{ kind: row.kind === 8 ? 'compute' : 'host-copy', collective: null },
          }),
        ),
      ],
      ranges: rows(RANGES).map(
        ({ name, thread, start, end }): HostRange => ({
          ...{ name: String(name ?? ''), thread: String(thread) },
          ...{
            startS: secondsOf(start, 'NVTX_EVENTS.start', file),
            endS: secondsOf(end, 'NVTX_EVENTS.end', file),
          },
        }),
      ),
    };
  });
}

function activityOf(
  { name, start, end, device, launch, thread }: Row,
  file: string,
  what: Pick<Activity, 'kind' | 'collective'>,
): Activity {
  return {
    ...{ name: String(name), ...what, message: null, device: Number(device) },
    startS: secondsOf(start, 'start', file),
    endS: secondsOf(end, 'end', file),
    launch:
      launch === null || launch === undefined
        ? null
        : { atS: secondsOf(launch, 'CUPTI_ACTIVITY_KIND_RUNTIME.start', file), thread: String(thread) },
  };
}

function secondsOf(nanoseconds: Row[string] | undefined, what: string, file: string): number {
  const seconds = Number(nanoseconds) * 1e-9;
  if ((typeof nanoseconds === 'number' || typeof nanoseconds === 'bigint') && seconds >= 0) return seconds;
  throw new UserError(`${what}: expected nanoseconds, got ${String(nanoseconds).slice(0, 40)}; ${REMEDY}`, {
    file,
  });
}

/**
 * Gives a database's rows to `read`. The reader of SQLite makes a lock beside the file that it opens, so it opens a link in a folder
 * of its own: the trace's folder may not be writable, and nothing is left in it.
 */
function withDatabase<T>(
  file: string,
  read: (rows: (sql: string) => Row[], tables: ReadonlyMap<string, string>) => T,
): T {
  try {
    if (!statSync(file).isFile()) throw Object.assign(new Error(), { code: 'EISDIR' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`cannot be read (${code}); give the path of a trace`, { file });
  }
  const folder = mkdtempSync(join(tmpdir(), 'chunkflow-nsys-'));
  try {
    const link = join(folder, 'trace.sqlite');
    symlinkSync(resolve(file), link);
    const database = new sqlite.Database(link, { readOnly: true, fileMustExist: true });
    try {
      const rows = (sql: string) => database.all(sql) as Row[];
      // What a view computes is code of whoever made the file, so only tables are read.
      const tables = rows('SELECT name, type FROM sqlite_master').map(
        ({ name, type }) => [String(name), String(type)] as const,
      );
      return read(rows, new Map(tables));
    } finally {
      database.close();
    }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'SQLite3Error') throw error;
    throw new UserError(
      `is no SQLite file of Nsight Systems that can be read (${error.message}); ${REMEDY}`,
      {
        file,
      },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

import { ByteWriter, type ColumnSource, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { max, min } from 'simple-statistics';
import { type Place, UserError } from '../../model/input/userError.ts';
import type { StepRun, StepSource } from './stepRecords.ts';

type ColumnType = 'STRING' | 'BOOLEAN' | 'INT32' | 'INT64' | 'DOUBLE';

/** One column of the table: its type and what a run shows in it. */
type Column = [name: string, type: ColumnType, value: (run: StepRun) => string | number | boolean | null];

/** Names end in the unit. */
const COLUMNS: readonly Column[] = [
  ['experiment', 'STRING', ({ experiment }) => experiment],
  ['split', 'STRING', ({ split }) => split],
  ['cell', 'STRING', ({ cell }) => cell.id],
  ['model', 'STRING', ({ cell }) => cell.model],
  ['size', 'STRING', ({ cell }) => cell.size],
  ['blocks', 'INT32', ({ cell }) => cell.blocks],
  ['sp', 'INT32', ({ cell }) => cell.sp],
  ['tp', 'INT32', ({ cell }) => cell.tp],
  ['cfg', 'STRING', ({ cell }) => cell.cfg ?? null],
  ['machine', 'STRING', ({ cell }) => cell.machine],
  ['plan', 'STRING', ({ plan }) => plan],
  ['mode', 'STRING', ({ mode }) => mode],
  ['place', 'STRING', ({ place }) => place],
  ['transport', 'STRING', ({ transport }) => transport],
  ['stepS', 'DOUBLE', ({ stepS }) => stepS],
  ['madS', 'DOUBLE', ({ madS }) => madS],
  ['leastVisitS', 'DOUBLE', ({ visitS }) => min(visitS)],
  ['mostVisitS', 'DOUBLE', ({ visitS }) => max(visitS)],
  ['visits', 'INT32', ({ visitS }) => visitS.length],
  ['steps', 'INT32', ({ steps }) => steps],
  ['smHz', 'DOUBLE', ({ smHz }) => smHz],
  ['powerW', 'DOUBLE', ({ powerW }) => powerW],
  ['claimedBytes', 'INT64', ({ memory }) => memory.claimedBytes],
  ['reserveBytes', 'INT64', ({ memory }) => memory.reserveBytes ?? null],
  ['deviceBytes', 'INT64', ({ memory }) => memory.deviceBytes],
  ['claimedPinnedBytes', 'INT64', ({ memory }) => memory.claimedPinnedBytes],
  ['pinnedBytes', 'INT64', ({ memory }) => memory.pinnedBytes],
  ['sameOutput', 'BOOLEAN', ({ sameOutput }) => sameOutput],
  ['device', 'STRING', ({ device }) => device.name],
  ['driver', 'STRING', ({ device }) => device.driver],
  ['cuda', 'STRING', ({ device }) => device.cuda],
  ['node', 'STRING', ({ node }) => node ?? null],
  ['nodes', 'STRING', ({ nodes }) => nodes?.join(' ') ?? null],
  ['gpus', 'STRING', ({ gpus }) => gpus?.map(({ pciBus }) => pciBus).join(' ') ?? null],
  ['gpuUuids', 'STRING', ({ gpus }) => uuidsText(gpus)],
  ['commit', 'STRING', ({ commit }) => commit ?? null],
  ['seed', 'INT64', ({ seed }) => seed ?? null],
  ['slurmJob', 'STRING', ({ slurmJob }) => slurmJob ?? null],
  ['libraries', 'STRING', ({ libraries }) => libraries],
  ['fingerprint', 'STRING', ({ fingerprint }) => fingerprint],
  ['stepProgram', 'STRING', ({ stepProgram }) => stepProgram],
  ['runtime', 'STRING', ({ runtime }) => runtime],
  ['startedAt', 'STRING', ({ startedAt }) => startedAt],
];

/** By rank; null where they are not said. */
function uuidsText(gpus: StepRun['gpus']): string | null {
  const uuids = gpus?.flatMap(({ uuid }) => uuid ?? []) ?? [];
  return uuids.length === 0 ? null : uuids.join(' ');
}

/** Rows of a row group: what is in memory at a time. */
const GROUP_ROWS = 10_000;

/**
 * Datasets as a flat Parquet table, one row for each run, for tools that do not read JSON Lines. Segments are left out:
 * the JSON Lines stay the dataset. The same runs give the same bytes.
 *
 * @throws UserError for a number that its column cannot hold.
 */
export function stepsParquet(runs: StepSource): { table: Uint8Array; rows: number } {
  const writer = new ByteWriter();
  const schema = schemaFromColumnData({
    columnData: COLUMNS.map(([name, type]) => ({ name, type, data: [] })),
  });
  const parquet = new ParquetWriter({ writer, schema });
  let values = COLUMNS.map((): Value[] => []);
  let rows = 0;
  const writeGroup = () => {
    const columnData = COLUMNS.map(([name], index): ColumnSource => ({ name, data: values[index]! }));
    parquet.write({ columnData, rowGroupSize: GROUP_ROWS });
    values = COLUMNS.map(() => []);
  };
  for (const run of runs) {
    for (const [index, [name, type, value]] of COLUMNS.entries()) {
      values[index]!.push(stored(name, type, value(run), runs.place));
    }
    rows += 1;
    if (rows % GROUP_ROWS === 0) writeGroup();
  }
  if (rows % GROUP_ROWS !== 0 || rows === 0) writeGroup();
  parquet.finish();
  return { table: new Uint8Array(writer.getBuffer()), rows };
}

type Value = string | number | bigint | boolean | null;

/** Largest whole numbers of a column; doubles hold all of INT64's only up to 2^53, and a larger one is not what it looks like. */
const LARGEST = { INT32: 2 ** 31 - 1, INT64: Number.MAX_SAFE_INTEGER };

function stored(
  name: string,
  type: ColumnType,
  value: Exclude<Value, bigint>,
  place: Place | undefined,
): Value {
  if ((type !== 'INT32' && type !== 'INT64') || typeof value !== 'number') return value;
  const largest = LARGEST[type];
  if (!Number.isInteger(value) || value < 0 || value > largest)
    throw new UserError(
      `${name}: expected a whole number from 0 to ${largest}, got ${value}; collect the dataset anew`,
      place,
    );
  return type === 'INT64' ? BigInt(value) : value;
}

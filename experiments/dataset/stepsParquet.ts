import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { max, min } from 'simple-statistics';
import type { StepRun } from './stepRecords.ts';

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
  ['deviceBytes', 'INT64', ({ memory }) => memory.deviceBytes],
  ['claimedPinnedBytes', 'INT64', ({ memory }) => memory.claimedPinnedBytes],
  ['pinnedBytes', 'INT64', ({ memory }) => memory.pinnedBytes],
  ['sameOutput', 'BOOLEAN', ({ sameOutput }) => sameOutput],
  ['device', 'STRING', ({ device }) => device.name],
  ['driver', 'STRING', ({ device }) => device.driver],
  ['cuda', 'STRING', ({ device }) => device.cuda],
  ['libraries', 'STRING', ({ libraries }) => libraries],
  ['fingerprint', 'STRING', ({ fingerprint }) => fingerprint],
  ['stepProgram', 'STRING', ({ stepProgram }) => stepProgram],
  ['runtime', 'STRING', ({ runtime }) => runtime],
  ['startedAt', 'STRING', ({ startedAt }) => startedAt],
];

/**
 * A dataset as a flat Parquet table, one row for each run, for tools that do not read JSON Lines. Segments are left out:
 * the JSON Lines stay the dataset. The same runs give the same bytes.
 */
export function stepsParquet(runs: readonly StepRun[]): Uint8Array {
  const columnData = COLUMNS.map(([name, type, value]): ColumnSource => {
    const values = runs.map(value);
    return { name, type, data: type === 'INT64' ? values.map((bytes) => BigInt(bytes as number)) : values };
  });
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

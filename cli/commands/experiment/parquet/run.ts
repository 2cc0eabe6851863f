import { DatasetReader } from '../../../../studies/dataset/stepRecords.ts';
import { stepsParquet } from '../../../../studies/dataset/stepsParquet.ts';
import { writeWholeFile } from '../../../files/wholeFile.ts';
import type { Output } from '../../../output.ts';

/** Writes datasets as one flat Parquet table. */
export function run(files: readonly string[], flags: { out: string }, output: Output): void {
  const { table, rows } = stepsParquet(new DatasetReader(files));
  writeWholeFile(flags.out, table);
  output.result(`${flags.out}: ${rows} rows\n`);
}

import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { stepsParquet } from '../../../experiments/dataset/stepsParquet.ts';
import { stepRun } from './stepRun.ts';

const test = suite('datasets as Parquet');

async function table(bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  return parquetReadObjects({ file });
}

test('a row for each run, read back by another reader', async () => {
  const runs = [
    stepRun(),
    stepRun({ mode: 'graph', smHz: null, powerW: 640.5, sameOutput: false, visitS: [0.03, 0.02, 0.025] }),
  ];
  const [first, second] = await table(stepsParquet(runs));
  for (const [key, value] of Object.entries({
    ...{ experiment: 'tiny', split: 'fit', cell: 'tiny-64x64-sp2', blocks: 2, sp: 2, plan: 'yield' },
    ...{ mode: 'eager', place: 'mirrored', transport: 'staged-copy', stepS: 0.01, leastVisitS: 0.0099 },
    ...{ mostVisitS: 0.0101, visits: 2, steps: 6, smHz: 1.98e9, sameOutput: true, driver: '580.95' },
    // Above what 32 bits hold.
    deviceBytes: BigInt(2 ** 33),
  })) {
    assert.equal(first![key], value, key);
  }
  assert.not.ok(first!.powerW);
  assert.not.ok(second!.smHz);
  assert.is(second!.powerW, 640.5);
  assert.is(second!.sameOutput, false);
  assert.equal([second!.leastVisitS, second!.mostVisitS, second!.visits], [0.02, 0.03, 3]);
  assert.not.ok('segments' in first!);
});

test('the same runs give the same bytes; a column of nulls keeps its type', () => {
  const runs = [stepRun({ smHz: null })];
  assert.equal(stepsParquet(runs), stepsParquet(runs));
  const bytes = stepsParquet(runs);
  const { schema } = parquetMetadata(bytes.buffer as ArrayBuffer);
  assert.is(schema.find(({ name }) => name === 'smHz')!.type, 'DOUBLE');
  assert.is(schema.find(({ name }) => name === 'claimedBytes')!.type, 'INT64');
});

test.run();

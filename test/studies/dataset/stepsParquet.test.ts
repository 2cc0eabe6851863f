import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../../model/input/userError.ts';
import type { StepRun } from '../../../studies/dataset/stepRecords.ts';
import { stepsParquet } from '../../../studies/dataset/stepsParquet.ts';
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
  const [first, second] = await table(stepsParquet(runs).table);
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

test('who measured has columns, empty where a dataset does not say it', async () => {
  const gpus = [
    { pciBus: '0000:18:00.0', uuid: 'GPU-1' },
    { pciBus: '0000:19:00.0', uuid: 'GPU-2' },
  ];
  const who = { node: 'a', nodes: ['a', 'b'], gpus, commit: 'f'.repeat(40), seed: 7, slurmJob: '4711' };
  const [first, second] = await table(stepsParquet([stepRun(who), stepRun()]).table);
  for (const [key, value] of Object.entries({
    ...{ node: 'a', nodes: 'a b', gpus: '0000:18:00.0 0000:19:00.0', gpuUuids: 'GPU-1 GPU-2' },
    ...{ commit: 'f'.repeat(40), seed: 7n, slurmJob: '4711' },
  })) {
    assert.equal(first![key], value, key);
    assert.not.ok(second![key], key);
  }
});

test('the same runs give the same bytes; a column of nulls keeps its type', () => {
  const runs = [stepRun({ smHz: null })];
  assert.equal(stepsParquet(runs), stepsParquet(runs));
  const bytes = stepsParquet(runs).table;
  const { schema } = parquetMetadata(bytes.buffer as ArrayBuffer);
  assert.is(schema.find(({ name }) => name === 'smHz')!.type, 'DOUBLE');
  assert.is(schema.find(({ name }) => name === 'claimedBytes')!.type, 'INT64');
});

test('more rows than a group has are all there, in their order', async () => {
  const runs = Array.from({ length: 20_001 }, (_, index) => stepRun({ steps: index + 1 }));
  const written = stepsParquet(runs);
  assert.is(written.rows, 20_001);
  const rows = await table(written.table);
  assert.is(rows.length, 20_001);
  assert.is(
    rows.findIndex(({ steps }, index) => steps !== index + 1),
    -1,
  );
});

const WRONG: [what: string, run: Partial<StepRun>, message: RegExp][] = [
  [
    'steps beyond 32 bits',
    { steps: 2 ** 31 },
    /^steps: expected a whole number from 0 to 2147483647, got 2147483648/,
  ],
  ['part of a byte', { memory: { ...stepRun().memory, deviceBytes: 0.5 } }, /^deviceBytes: .*got 0\.5/],
  [
    'bytes beyond doubles',
    { memory: { ...stepRun().memory, pinnedBytes: 2 ** 60 } },
    /^pinnedBytes: .*from 0 to 9007199254740991/,
  ],
  ['blocks beyond 32 bits', { cell: { ...stepRun().cell, blocks: 2 ** 40 } }, /^blocks: /],
];
for (const [what, run, message] of WRONG) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => stepsParquet([stepRun(), stepRun(run)]),
      (error: Error) => error instanceof UserError && message.test(error.message),
    );
  });
}

test('the reserve of a claim is null in datasets that lack it', async () => {
  const memory = { ...stepRun().memory, reserveBytes: 1.06e9 };
  const [first, known] = await table(stepsParquet([stepRun(), stepRun({ memory })]).table);
  assert.equal([first!.reserveBytes ?? null, known!.reserveBytes], [null, BigInt(1.06e9)]);
});

test('takes what a column can just hold', async () => {
  const memory = { ...stepRun().memory, deviceBytes: Number.MAX_SAFE_INTEGER };
  const [row] = await table(stepsParquet([stepRun({ steps: 2 ** 31 - 1, memory })]).table);
  assert.equal([row!.steps, row!.deviceBytes], [2 ** 31 - 1, BigInt(Number.MAX_SAFE_INTEGER)]);
});

test.run();

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Fuzzer } from '../fuzz/fuzz.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-fuzz-'));
const test = suite('damaged input of every format');
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** `npm run fuzz` gives ten times as many, and ends those that take too long. */
const INPUTS = 300;

test('each ends with a result, or with one line that names its place', async () => {
  const fuzzer = await Fuzzer.in(folder, 7);
  const failures: string[] = [];
  const ends = { accepted: 0, refused: 0, failed: 0 };
  for (let index = 0; index < INPUTS; index += 1) {
    const { format, mutations, end, why } = await fuzzer.run(index);
    ends[end] += 1;
    if (end === 'failed') failures.push(`input ${index}: ${format}, ${mutations.join(', ')}: ${why}`);
  }
  assert.equal(failures, []);
  assert.ok(ends.refused > INPUTS / 2, JSON.stringify(ends));
  assert.ok(ends.accepted > INPUTS / 20, JSON.stringify(ends));
});

test('an input is the same whenever it is asked for', async () => {
  const fuzzer = await Fuzzer.in(join(folder), 7);
  for (const index of [0, 5, 17]) assert.equal(fuzzer.describe(index), fuzzer.describe(index));
  assert.not.equal(fuzzer.describe(0).text, fuzzer.describe(21).text);
});

test.run();

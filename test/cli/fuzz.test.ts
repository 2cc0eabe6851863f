import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Fuzzer, placeIn } from '../fuzz/fuzz.ts';

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
  const fuzzer = await Fuzzer.in(join(folder, 'again'), 7);
  for (const index of [0, 5, 17]) assert.equal(fuzzer.describe(index), fuzzer.describe(index));
  assert.not.equal(fuzzer.describe(0).text, fuzzer.describe(21).text);
});

const files = { file: 'c.yaml', beside: ['cases.jsonl'] };
for (const [message, named, end] of [
  ['error: /tmp/x/c.yaml:3:1: cases: no such file', files, 'refused'],
  ['cases: expected a list in /tmp/x/c.yaml', files, 'refused'],
  ['/tmp/x/cases.jsonl:7: is no JSON', files, 'refused'],
  ['/tmp/x/cases.jsonl:7:12: is no JSON', files, 'refused'],
  ['/tmp/x/elsewhere.jsonl: cannot be read (ENOENT); give another', files, 'refused'],
  ['/tmp/x/cases.jsonl: is no JSON', files, 'failed'],
  ['is no JSON, see /tmp/x/cases.jsonl:7: there', files, 'failed'],
  ['/tmp/x/elsewhere.jsonl:7: is no JSON', files, 'failed'],
  ['/tmp/x/cases.jsonl:7: is no JSON', { ...files, beside: [] }, 'failed'],
  ['is no JSON', files, 'failed'],
  ['--batch: expected a number', { file: null, beside: [] }, 'refused'],
  ['expected a number', { file: null, beside: [] }, 'failed'],
] as const) {
  test(`place of a refusal: ${message}, ${named.beside.length} files beside`, () =>
    assert.is(placeIn(message, named).end, end));
}

test.run();

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { columnsOf } from '../../../studies/sweep/columns.ts';
import { type PartFacts, partBytes, placePart } from '../../../studies/sweep/part.ts';
import { partFacts } from '../../../studies/sweep/partFacts.ts';
import { ResultsFolder } from '../../../studies/sweep/resultsFolder.ts';
import { sweepStatus } from '../../../studies/sweep/status.ts';
import { readSweep } from '../../../studies/sweep/sweep.ts';

const scratch = mkdtempSync(join(tmpdir(), 'chunkflow-sweep-results-'));
const test = suite("a sweep's results");
test.after(() => rmSync(scratch, { recursive: true, force: true }));

const WHO = { node: 'n1', version: '1.0.0', commit: null };
const file = join(scratch, 'one.yaml');
const written = (plans: string) => {
  writeFileSync(
    file,
    `sweep: one\ngrids: [{models: [flux.1-dev], machines: [rtx-4090], plans: [${plans}]}]\n`,
  );
  return readSweep(file);
};
let folders = 0;
const emptyFolder = () => join(scratch, `results-${++folders}`);
const FACTS: PartFacts = { sweep: 'x', task: 0, points: 1, rows: 1, errors: 0, cpuS: 0.5 };
const bytesOf = (facts = FACTS) => partBytes(columnsOf([]), [{ point: 0, stepS: 1.5 }], facts);

test('of two that write one part, the first stays and the second is told', () => {
  const part = join(emptyFolder(), 'parts', 'part-00000000.parquet');
  assert.is(placePart(part, bytesOf()), true);
  const first = readFileSync(part);
  assert.is(placePart(part, bytesOf({ ...FACTS, cpuS: 9 })), false);
  assert.equal(readFileSync(part), first);
  assert.equal(readdirSync(dirname(part)), [basename(part)]);
});

test("a killed worker's leftover is no part, and goes with the part", () => {
  const folder = ResultsFolder.open(emptyFolder(), written('none'), WHO);
  const part = folder.partFile(0);
  mkdirSync(dirname(part), { recursive: true });
  writeFileSync(`${part}.n1.77.1.tmp`, 'PAR1 half');
  writeFileSync(`${folder.partFile(1)}.n1.77.1.tmp`, 'of another');
  assert.equal(folder.done(), []);
  assert.is(placePart(part, bytesOf()), true);
  assert.equal(folder.done(), [0]);
  assert.equal(readdirSync(dirname(part)).sort(), [basename(part), 'part-00000001.parquet.n1.77.1.tmp']);
});

test('a part that is cut off is put aside', () => {
  const folder = ResultsFolder.open(emptyFolder(), written('none'), WHO);
  placePart(folder.partFile(0), bytesOf());
  assert.is(folder.keepWhole(0), true);
  truncateSync(folder.partFile(0), 100);
  assert.is(folder.keepWhole(0), false);
  assert.equal(folder.done(), []);
});

test('a part says what it is, and its footer is read alone', () => {
  const part = join(emptyFolder(), 'part.parquet');
  placePart(part, bytesOf());
  assert.equal(partFacts(part), FACTS);
});

const REFUSED: readonly (readonly [what: string, change: (path: string) => void, message: RegExp])[] = [
  [
    'a changed file',
    () => void written('none, yield'),
    /the sweep's file has changed since these results were begun/,
  ],
  [
    'another sweep',
    () => writeFileSync(file, readFileSync(file, 'utf8').replace('sweep: one', 'sweep: two')),
    /holds results of the sweep one, not of two/,
  ],
  [
    'a manifest that is none',
    (path) => writeFileSync(join(path, 'sweep.json'), '{"schema": 1}'),
    /sweep\.json:1:\d+: /,
  ],
];
for (const [what, change, message] of REFUSED)
  test(`${what} is refused`, () => {
    const path = emptyFolder();
    ResultsFolder.open(path, written('none'), WHO);
    change(path);
    assert.throws(() => ResultsFolder.open(path, readSweep(file), WHO), message);
  });

test("another version's results, changed inputs, and folders of something else are refused", () => {
  const sweep = written('none');
  const path = emptyFolder();
  ResultsFolder.open(path, sweep, WHO);
  ResultsFolder.open(path, sweep, { ...WHO, node: 'n2' });
  assert.throws(
    () => ResultsFolder.open(path, sweep, { ...WHO, version: '2.0.0' }),
    /of chunkflow 1\.0\.0, this is 2\.0\.0/,
  );
  const inputs = [{ file: 'plan.json', hash: 'a'.repeat(64) }];
  assert.throws(() => ResultsFolder.open(path, { ...sweep, inputs }, WHO), /plan\.json is not what it was/);
  const other = emptyFolder();
  mkdirSync(other);
  writeFileSync(join(other, 'thesis.tex'), '');
  assert.throws(() => ResultsFolder.open(other, sweep, WHO), /holds "thesis\.tex" and no sweep\.json/);
  assert.throws(() => ResultsFolder.read(other), /has no sweep\.json/);
});

test('the status counts what is done, lists what is missing and says what failed', () => {
  const sweep = written('none, yield, chunked, layerwise');
  const folder = ResultsFolder.open(emptyFolder(), sweep, WHO);
  const empty = sweepStatus(sweep, folder);
  assert.equal([empty.points.done, empty.leftCpuS, empty.leftS, empty.tasks.missing], [0, null, null, '0']);
  folder.fail({ task: 0, error: 'broke', node: 'n1', at: '2026-01-01T00:00:00Z' });
  assert.equal(
    sweepStatus(sweep, folder).tasks.failed.map(({ error }) => error),
    ['broke'],
  );
  placePart(folder.partFile(0), bytesOf({ ...FACTS, points: 4, rows: 4, errors: 1 }));
  const done = sweepStatus(sweep, folder);
  assert.equal(done.tasks.failed, []);
  assert.equal(
    [done.points.done, done.rows, done.leftS, done.tasks.missing],
    [4, { all: 4, errors: 1 }, 0, ''],
  );
  assert.is(done.cpuS, 0.5);
});

test.run();

import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readCalibration } from '../../../experiments/calibration/calibrationFile.ts';
import { readingsOf } from '../../../experiments/calibration/readings.ts';
import { packageRoot } from '../../../model/input/packageFiles.ts';

const committed = join(packageRoot, 'experiments', 'h200-calibration');
const CASES = 'copies-and-collectives.jsonl';

/** A calibration of the committed copies, with its file or its results changed. */
function changed(yaml: string, results: (text: string) => string = (text) => text): string {
  const folder = mkdtempSync(join(tmpdir(), 'chunkflow-calibration-'));
  writeFileSync(join(folder, CASES), results(readFileSync(join(committed, CASES), 'utf8')));
  copyFileSync(join(committed, 'segments.jsonl'), join(folder, 'segments.jsonl'));
  writeFileSync(join(folder, 'calibration.yaml'), yaml);
  return join(folder, 'calibration.yaml');
}

const yaml = (machine: string, more = '') =>
  `machine: ${machine}\nsplit: sha256-even\ncases: [${CASES}]\n${more}`;

const files = suite('a calibration');

files('gives every reading once, on the side that its id decides', () => {
  const { cases, segments, notes } = readingsOf(readCalibration(join(committed, 'h200-calibration.yaml')));
  assert.is(new Set(cases.map(({ id, quantity }) => `${id} ${quantity}`)).size, cases.length);
  assert.ok(cases.some(({ side }) => side === 'fit') && cases.some(({ side }) => side === 'held-out'));
  assert.is(new Set(segments.map(({ id, quantity }) => `${id} ${quantity}`)).size, segments.length);
  // Three segments of three programs, each at five pauses: time, clock and power.
  assert.is(segments.filter(({ sustained }) => sustained).length, 135);
  assert.is(segments.length, 363);
  assert.is(notes.filter((note) => note.includes('the copies ended before the collectives')).length, 3);
});

for (const [what, file, why] of [
  [
    'of another machine',
    () => changed(yaml('h200-x2')),
    /jsonl:1: calibration-h200-x1 was measured with mirrored peers/,
  ],
  [
    'of another GPU',
    () => changed(yaml('a100-pcie-x2')),
    /jsonl:1: .* was measured on NVIDIA H200, and a100-pcie-x2/,
  ],
  [
    'that no line of JSON is',
    () => changed(yaml('h200-x1'), (text) => text.replace('{"record":"case"', '{"record":')),
    /jsonl:2: is not JSON/,
  ],
  [
    'of another schema',
    () => changed(yaml('h200-x1'), (text) => text.replace('measurement@1', 'measurement@9')),
    /jsonl:1: run.schema/,
  ],
  [
    'of a program that it does not describe',
    () => changed(yaml('h200-x1', 'segments: [segments.jsonl]\n')),
    /programs: seg-wan-65-sp2, measured in .*segments.jsonl:1, is not there/,
  ],
] as const) {
  files(`refuses results ${what}, by file and line`, () => assert.throws(() => readCalibration(file()), why));
}

files('says that a last line was cut off, and leaves it out', () => {
  const { notes, cases } = readCalibration(changed(yaml('h200-x1'), (text) => text.slice(0, -200)));
  assert.match(notes[0]!, /the last line is cut off and was left out/);
  assert.is(cases.length, 1);
});

files.run();

import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { readCalibration } from '../../../studies/calibration/calibrationFile.ts';
import { fitMachine } from '../../../studies/calibration/fitMachine.ts';
import { readingsOf } from '../../../studies/calibration/readings.ts';

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

files('finds its machine beside itself, wherever it is read from', () => {
  const file = changed(yaml('mine.yaml'));
  const mine = join(dirname(file), 'mine.yaml');
  copyFileSync(join(packageRoot, 'model', 'systems', 'h200-x1.yaml'), mine);
  assert.is(readCalibration(file).machine, mine);
  assert.is(readCalibration(changed(yaml('h200-x1'))).machine, 'h200-x1');
});

files('gives every reading once, on the side that its id decides', () => {
  const { cases, segments, notes } = readingsOf(readCalibration(join(committed, 'h200-calibration.yaml')));
  assert.is(new Set(cases.map(({ id, quantity }) => `${id} ${quantity}`)).size, cases.length);
  assert.ok(cases.some(({ side }) => side === 'fit') && cases.some(({ side }) => side === 'held-out'));
  assert.is(new Set(segments.map(({ id, quantity }) => `${id} ${quantity}`)).size, segments.length);
  // Three segments of three programs, each at five pauses: time, clock and power.
  assert.is(segments.filter(({ sustained }) => sustained).length, 135);
  assert.is(segments.length, 363);
  // Copies that ended before the last call had whole calls beside them.
  assert.is(notes.filter((note) => note.includes('the copies ended before the collectives')).length, 0);
  const early = cases.filter(({ id }) => id === 'all-to-all/staged-sm:1/96MiB/beside/64MiB');
  assert.equal(early.map(({ quantity }) => quantity).sort(), ['callS', 'h2dBytesPerS']);
  const [call, rate] = early as [(typeof early)[number], (typeof early)[number]];
  // The last call ran on by itself and counts no more: it took 14.0 ms.
  assert.ok(Math.abs(call.measured - 15.506e-3) < 0.02e-3, `${call.measured}`);
  assert.ok(rate.measured > 45e9 && rate.measured < 55e9, `${rate.measured}`);
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
    'of a call that lasts longer than a day',
    () => changed(yaml('h200-x1'), (text) => text.replace(/"callS":\[[^,\]]+/, '"callS":[1e300')),
    /jsonl:\d+: .*callS.*86400/,
  ],
  [
    'of another schema',
    () => changed(yaml('h200-x1'), (text) => text.replace('measurement@1', 'measurement@9')),
    /jsonl:1: run.schema/,
  ],
  [
    'of a case under another name',
    () => changed(yaml('h200-x1'), (text) => text.replace('"chunkBytes":4096', '"chunkBytes":8192')),
    /jsonl:2: case "copies\/h2d\/4KiBx\d+": its parameters are those of "copies\/h2d\/8KiBx\d+"; measure it anew/,
  ],
  [
    'of more chunks than any case has',
    () =>
      changed(yaml('h200-x1'), (text) => text.replace(/("kind":"together".*?"chunks":)\d+/, '$1100000000')),
    /jsonl:\d+: case ".*beside.*": chunks: expected at most 200000, got 100000000/,
  ],
  [
    'of pieces that are smaller than any',
    () => changed(yaml('h200-x1'), (text) => text.replace(/("kind":"collective".*?"pieceBytes":)\d+/, '$11')),
    /jsonl:\d+: case ".*": pieceBytes: expected at least a 10000th of the \d+ sent bytes, got 1/,
  ],
  [
    'that lack a round in the middle',
    () => changed(yaml('h200-x1'), (text) => text.replace(/\n[^\n]*"round":1[^\n]*\n/, '\n')),
    /jsonl:1: the run of calibration-h200-x1 is of 226 cases in 3 rounds, and has 677 case records of 678; a part/,
  ],
  [
    'that took no time',
    () => changed(yaml('h200-x1'), (text) => text.replaceAll(/"downS":[^,]+/g, '"downS":0')),
    /jsonl:\d+: case "copies\/h2d.*": downS: expected more than 0, got 0/,
  ],
  [
    'of a program that it does not describe',
    () => changed(yaml('h200-x1', 'segments: [segments.jsonl]\n')),
    /programs: seg-wan-65-sp2, measured in .*segments.jsonl:1, is not there/,
  ],
] as const) {
  files(`refuses results ${what}, by file and line`, () =>
    assert.throws(() => readingsOf(readCalibration(file())), why),
  );
}

files('says what a calibration has not, as one that was cut off would not have it', () => {
  const { notes } = readCalibration(changed(yaml('h200-x1').trimEnd()));
  assert.match(notes[0]!, /calibration\.yaml:3: the last line has no end; the file may be cut off/);
  assert.match(notes[1]!, /calibration\.yaml:3: names no segments; what compute takes is not fitted/);
  assert.is(notes.length, 2);
  const none = readCalibration(changed('machine: h200-x1\nsplit: sha256-even\n')).notes;
  assert.match(none[0]!, /calibration\.yaml:2: names no cases/);
});

files('says that a last line was cut off, and leaves it out', () => {
  const { notes, cases } = readCalibration(changed(yaml('h200-x1'), (text) => text.slice(0, -200)));
  assert.ok(
    notes.some((note) => /jsonl:\d+: the last line is cut off and was left out/.test(note)),
    notes.join('\n'),
  );
  assert.is(cases.length, 1);
});

/** A calibration of which one of two segment programs is missing. */
function partial(programs: Record<string, string>, left: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'chunkflow-calibration-'));
  const text = readFileSync(join(committed, 'segments.jsonl'), 'utf8').split('\n');
  for (const id of left) {
    const from = text.findIndex(
      (line) => line.includes('"record":"run"') && line.includes(`"program":"${id}"`),
    );
    const to = text.findIndex((line, at) => at > from && line.includes('"record":"end"'));
    writeFileSync(join(folder, `${id}.jsonl`), `${text.slice(from, to + 1).join('\n')}\n`);
  }
  const names = Object.keys(programs);
  const described = names.map((id) => `  ${id}: ${programs[id]}\n`).join('');
  writeFileSync(
    join(folder, 'calibration.yaml'),
    `machine: h200-x1\nsplit: sha256-even\ncases: [${CASES}]\n` +
      `segments: [${names.map((id) => `${id}.jsonl`).join(', ')}]\nprograms:\n${described}`,
  );
  return join(folder, 'calibration.yaml');
}

files('is fitted as far as it goes, with a note for each file that is not there', () => {
  const programs = {
    'seg-flux-384-sp2': '{model: flux.1-dev, size: 384x384, sp: 2, blocks: 3}',
    'seg-flux-768-sp2': '{model: flux.1-dev, size: 768x768, sp: 2, blocks: 3}',
  };
  const file = partial(programs, ['seg-flux-384-sp2']);
  const calibration = readCalibration(file);
  assert.equal(
    calibration.notes.map((note) => note.replace(file, 'F')),
    [
      `F:3: cases: ${CASES} is not there; the rest is fitted`,
      'F:4: segments: seg-flux-768-sp2.jsonl is not there; the rest is fitted',
    ],
  );
  const { stages } = fitMachine(calibration);
  assert.ok(stages.some(({ name }) => name === 'gemm'));
});

files('of which nothing is there is refused', () => {
  const file = partial({ 'seg-flux-384-sp2': '{model: flux.1-dev, size: 384x384, sp: 2, blocks: 3}' }, []);
  assert.throws(
    () => fitMachine(readCalibration(file)),
    /nothing was measured; `chunkflow calibrate` measures/,
  );
});

files('whose calls all take the same time is to blame, and no bound of the machine file', () => {
  const same = (text: string) =>
    text.replace(/"callS":\[[^\]]+\]/g, (calls) => calls.replace(/[\d.e-]+(?=[,\]])/g, '0.001'));
  const { stages, notes } = fitMachine(readCalibration(changed(yaml('h200-x1'), same)));
  assert.ok(
    notes.includes(
      'staged-sm alone: all 25 times are 1 ms, of sizes 1536 times apart; the calibration is damaged, and nothing is fitted to these',
    ),
    notes.join('\n'),
  );
  assert.not(stages.some(({ name }) => name === 'staged-sm alone'));
  assert.ok(stages.some(({ name }) => name === 'copies alone'));
});

files.run();

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../../model/input/userError.ts';
import { RepeatedLines } from '../../../studies/dataset/repeatedLines.ts';
import {
  DatasetReader,
  readSteps,
  type StepRun,
  stepLines,
  stepRunFormat,
} from '../../../studies/dataset/stepRecords.ts';
import { stepRun } from './stepRun.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-steps-'));
const test = suite('datasets of steps');
test.after(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const good = stepLines([stepRun()]);
const changed = (fields: object) => `${JSON.stringify({ ...stepRun(), ...fields })}\n`;

test('what was written is read back, file after file', () => {
  const runs = [stepRun(), stepRun({ mode: 'graph', segments: [], smHz: null })];
  const later = stepRun({ startedAt: '2026-11-24T21:00:00Z' });
  const files = [fileOf('a.jsonl', stepLines(runs)), fileOf('b.jsonl', stepLines([later]))];
  assert.equal(readSteps(files), [...runs, later]);
});

const REFUSED: [string, string, RegExp][] = [
  ['no JSON', `${good}{"schema"\n`, /x\.jsonl:2: is not JSON/],
  ['no object', `${good}null\n`, /x\.jsonl:2: schema: expected "chunkflow\/steps@1", got undefined/],
  ['an empty line', `${good}\n${good}`, /x\.jsonl:2: is not JSON/],
  [
    'another version',
    changed({ schema: 'chunkflow/steps@2' }),
    /x\.jsonl:1: schema: .*got "chunkflow\/steps@2"/,
  ],
  [
    'a raw record',
    '{"record":"run"}\n',
    /x\.jsonl:1: is a record of a raw results file; .*experiment collect/,
  ],
  ['a field of another form', changed({ stepS: 0 }), /x\.jsonl:1: stepS: .*, got 0/],
  ['a missing field', changed({ memory: { claimedBytes: 1 } }), /x\.jsonl:1: memory\.deviceBytes: /],
  [
    'a reserve below nothing',
    changed({ memory: { ...stepRun().memory, reserveBytes: -1 } }),
    /x\.jsonl:1: memory\.reserveBytes: .*, got -1/,
  ],
  ['a field too many', changed({ surplus: 1 }), /x\.jsonl:1: the line: .*"surplus"/],
  ['an unknown split', changed({ split: 'test' }), /x\.jsonl:1: split: .*got "test"/],
  ['a time that shared GPUs took', changed({ place: 'colocated' }), /x\.jsonl:1: place: .*got "colocated"/],
  ['a hash that is none', changed({ stepProgram: 'xyz' }), /x\.jsonl:1: stepProgram: /],
  ['a last line that is cut off', `${good}${good.slice(0, 50)}`, /x\.jsonl:2: the last line is cut off/],
  ['no line at all', '', /x\.jsonl:1: holds no step/],
];

for (const [name, text, message] of REFUSED) {
  test(`refused: ${name}`, () => {
    const file = fileOf('x.jsonl', text);
    assert.throws(
      () => readSteps([file]),
      (error: Error) => error instanceof UserError && message.test(error.message),
      String(message),
    );
  });
}

test('every broken line of every file is named, to a limit', () => {
  const first = fileOf('first.jsonl', `${good}{}\n${changed({ stepS: -1 })}`);
  const second = fileOf('second.jsonl', '{}\n'.repeat(30));
  assert.throws(
    () => readSteps([first, second]),
    (error: Error) => {
      const lines = error.message.split('\n');
      assert.is(lines.length, 21);
      assert.match(lines[0]!, /first\.jsonl:2: /);
      assert.match(lines[1]!, /first\.jsonl:3: stepS/);
      assert.match(lines[2]!, /second\.jsonl:1: /);
      assert.is(lines[20], 'and 12 lines more');
      return true;
    },
  );
});

// A line that differs from an earlier one only in measured numbers is read without JSON and schema, and must be none the less.
const MEASURED = {
  ...{ stepS: 0.25, madS: 0.125, visitS: [0.2, 0.3], steps: 7, smHz: 1.5e9, powerW: 1.7976931348623157e308 },
  memory: { claimedBytes: 11, deviceBytes: 12, pinnedBytes: 13, claimedPinnedBytes: 14 },
};
/** With its members in the order in which they are written. */
const written = (fields: Partial<StepRun>) => stepRunFormat.parse(stepRun(fields));
const twice = written({ visitS: [1, 2], smHz: 1, powerW: 1 });

test('lines of a plan measured again have a reserve of their own where they have one', () => {
  const memory = { ...twice.memory, reserveBytes: 7 };
  const first = written({ memory });
  const again = written({ stepS: 0.25, memory: { ...memory, reserveBytes: 15 } });
  const known = new RepeatedLines();
  known.keep(JSON.stringify(first), first);
  const read = [first, again, twice].map((run) => known.read(JSON.stringify(run)));
  assert.equal(read, [first, again, null]);
  assert.is(read[1]!.memory.reserveBytes, 15);
  const runs = [first, again, twice];
  assert.equal(readSteps([fileOf('reserve.jsonl', stepLines(runs))]), runs);
});

test('lines of a plan measured again have their own numbers', () => {
  const again = written({
    ...MEASURED,
    segments: twice.segments.map((segment, index) => ({ ...segment, seconds: 1e-9 * (index + 1) })),
  });
  const runs = [
    twice,
    again,
    twice,
    { ...again, startedAt: '2027-12-24T22:01:01Z' },
    { ...again, smHz: null },
  ];
  // The third says the same as the first, and counts once.
  assert.equal(readSteps([fileOf('again.jsonl', stepLines(runs))]), runs.toSpliced(2, 1));
  const known = new RepeatedLines();
  known.keep(JSON.stringify(twice), twice);
  const read = runs.map((run) => known.read(JSON.stringify(run)));
  assert.equal(read, [twice, again, twice, null, null]);
});

const WHO = {
  ...{ node: 'gpu-17', commit: `${'0123456789'.repeat(4)}-dirty`, seed: 3, slurmJob: '4700_3' },
  gpus: [{ pciBus: '0000:18:00.0', uuid: 'GPU-1' }],
};

test('who measured is read back, also of a plan measured again', () => {
  const first = written({ ...WHO, nodes: ['gpu-17', 'gpu-18'] });
  const runs = [first, { ...first, startedAt: '2026-11-24T21:00:00Z' }];
  assert.equal(readSteps([fileOf('who.jsonl', stepLines(runs))]), runs);
  const known = new RepeatedLines();
  known.keep(JSON.stringify(first), first);
  assert.equal(known.read(JSON.stringify({ ...first, stepS: 0.5 })), { ...first, stepS: 0.5 });
  // A seed is no measured number: another one is another program's input.
  assert.is(known.read(JSON.stringify({ ...first, seed: 4 })), null);
});

for (const [what, fields] of [
  ['commit', { commit: 'main' }],
  ['commit', { commit: '0123456789'.repeat(4).concat('-clean') }],
  ['seed', { seed: 0.5 }],
  ['nodes', { nodes: ['alone'] }],
  ['gpus', { gpus: [] }],
] as const) {
  test(`refused: a ${what} that is none, ${JSON.stringify(fields)}`, () => {
    assert.throws(() => readSteps([fileOf('x.jsonl', changed(fields))]), new RegExp(`x\\.jsonl:1: ${what}`));
  });
}

test('a line that stands there twice is read once and counted, in one file or in two', () => {
  const runs = [stepRun(WHO), stepRun({ ...WHO, plan: 'none' }), stepRun()];
  const files = [fileOf('a.jsonl', stepLines([...runs, runs[0]!])), fileOf('b.jsonl', stepLines(runs))];
  const reader = new DatasetReader(files);
  assert.equal([...reader], runs);
  assert.is(reader.repeated, 4);
  assert.equal([...reader].length, 3, 'and so again');
});

test('lines that say two things of one measurement are refused, each with both places', () => {
  const a = fileOf('a.jsonl', stepLines([stepRun({ ...WHO, plan: 'none' }), stepRun(WHO)]));
  const b = fileOf(
    'b.jsonl',
    stepLines([stepRun({ ...WHO, stepS: 0.02 }), stepRun({ ...WHO, split: 'held-out' })]),
  );
  const first = fileOf('first.jsonl', stepLines([stepRun({ ...WHO, mode: 'graph' })]));
  assert.throws(
    () => readSteps([first, a, b]),
    (error: Error) => {
      const lines = error.message.split('\n');
      assert.is(lines.length, 2);
      for (const [index, text] of lines.entries())
        assert.ok(
          text.startsWith(
            `${b}:${index + 1}: says otherwise what ${a}:2 says of the same measurement (yield of tiny-64x64-sp2, eager, on gpu-17)`,
          ),
          text,
        );
      return true;
    },
  );
});

const OTHERS: [string, Partial<StepRun>][] = [
  ['another node', { node: 'gpu-18' }],
  ['another GPU of the node', { gpus: [{ pciBus: '0000:19:00.0' }] }],
  ['another second', { startedAt: '2026-11-23T21:00:01Z' }],
  ['another plan', { plan: 'none' }],
  ['another mode', { mode: 'graph' }],
  ['another cell', { cell: { ...stepRun().cell, id: 'other' } }],
  // Two nodes may begin in the same second: without a name nobody can tell.
  ['no node', { node: undefined }],
];
for (const [what, fields] of OTHERS) {
  test(`lines of ${what} are other measurements`, () => {
    const runs = [
      stepRun(WHO),
      stepRun({ ...WHO, ...fields, stepS: 0.02 }),
      stepRun({ ...WHO, ...fields, plan: 'x' }),
    ];
    assert.is(readSteps([fileOf('x.jsonl', stepLines(runs))]).length, 3);
  });
}

const line = stepLines([written(MEASURED)]);
for (const [field, from, to, message] of [
  ['stepS', '"stepS":0.25', '"stepS":0', /stepS: .*, got 0/],
  ['madS', '"madS":0.125', '"madS":-1', /madS: .*, got -1/],
  ['visitS', '"visitS":[0.2,0.3]', '"visitS":[0.2,0]', /visitS\.1: .*, got 0/],
  ['steps', '"steps":7', '"steps":7.5', /steps: .*, got 7.5/],
  ['steps', '"steps":7', '"steps":0', /steps: .*, got 0/],
  ['steps', '"steps":7', '"steps":9007199254740993', /steps: /],
  ['smHz', '"smHz":1500000000', '"smHz":0', /smHz: .*, got 0/],
  ['powerW', '"powerW":1.7976931348623157e+308', '"powerW":1e309', /powerW: .*, got Infinity/],
  ['pinnedBytes', '"pinnedBytes":13', '"pinnedBytes":-2', /memory\.pinnedBytes: .*, got -2/],
  ['seconds', /"seconds":[^}]*/, '"seconds":-3', /segments\.0\.seconds: .*, got -3/],
  ['a number of no JSON', '"steps":7', '"steps":07', /is not JSON/],
  ['a number that is cut off', '"steps":7', '"steps":', /is not JSON/],
  ['a text for a number', '"steps":7', '"steps":"7"', /steps: .*, got "7"/],
  ['text behind the line', '\n', '}\n', /is not JSON/],
  ['a key twice in another form', '"sp":', '"sp":"x","sq":', /cell\.sp: /],
] as const) {
  test(`refused in a plan measured again: ${field} ${to}`, () => {
    const changedLine = line.replace(from, to);
    assert.not.equal(changedLine, line);
    const file = fileOf('again.jsonl', `${line}${line}${changedLine}`);
    assert.throws(
      () => readSteps([file]),
      (error: Error) => message.test(error.message) && error.message.startsWith(`${file}:3: `),
      String(message),
    );
  });
}

test('a file that is not there', () => {
  assert.throws(() => readSteps([join(folder, 'nowhere.jsonl')]), /cannot be read \(ENOENT\)/);
});

test.run();

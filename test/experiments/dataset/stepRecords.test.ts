import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSteps, stepLines } from '../../../experiments/dataset/stepRecords.ts';
import { UserError } from '../../../model/input/userError.ts';
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
  const files = [fileOf('a.jsonl', stepLines(runs)), fileOf('b.jsonl', good)];
  assert.equal(readSteps(files), [...runs, stepRun()]);
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

test('a file that is not there', () => {
  assert.throws(() => readSteps([join(folder, 'nowhere.jsonl')]), /cannot be read \(ENOENT\)/);
});

test.run();

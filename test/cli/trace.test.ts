import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { readTimeline } from '../../studies/dataset/timelineRecord.ts';
import { runCli } from '../support/runCli.ts';

interface Event {
  ph: string;
  name: string;
  cat: string;
  pid: number;
  tid: number;
  id: number;
  ts: number;
  dur: number;
  args: { name: string; 'GB/s': number };
}

const test = suite('chunkflow trace');
const folder = mkdtempSync(join(tmpdir(), 'chunkflow-trace-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const RECORD = join(packageRoot, 'experiments', 'h200-steps', 'timeline-yield.json');
const out = join(folder, 'step.json');
const MACHINE = ['--machine', 'h200-x1-fitted'];

async function traced(...args: string[]) {
  return runCli(['trace', ...args, '--out', out]);
}

const eventsOf = (file: string) =>
  (JSON.parse(readFileSync(file, 'utf8')) as { traceEvents: Event[] }).traceEvents;
/** Sums of two decimals are off by less. */
const PICOSECOND = 1e-6;

test('both steps in one file: named processes and tracks, nested slices, flows with both ends, counters in order', async () => {
  const { code, stdout, stderr } = await traced(RECORD, ...MACHINE);
  assert.is(code, 0, stderr);
  assert.match(stderr, /wrote .*step\.json; open it at https:\/\/ui\.perfetto\.dev/);
  const events = eventsOf(out);
  const named = (name: string) => events.filter((event) => event.ph === 'M' && event.name === name);
  assert.equal(
    named('process_name').map(({ pid, args }) => [pid, args.name]),
    [
      [1, 'simulated: h200-x1-fitted, yield,transport=staged-copy'],
      [2, 'measured: NVIDIA H200, mirrored, yield,transport=staged-copy'],
    ],
  );
  const threads = new Set(named('thread_name').map(({ pid, tid }) => `${pid}.${tid}`));
  const slices = events.filter(({ ph }) => ph === 'X');
  const open: Record<string, number[]> = {};
  for (const { pid, tid, ts, dur, name } of slices) {
    assert.ok(threads.has(`${pid}.${tid}`), `${name} is on a track with a name`);
    const ends = (open[`${pid}.${tid}`] ??= []);
    while (ends.length > 0 && ends.at(-1)! <= ts + PICOSECOND) ends.pop();
    if (ends.length > 0)
      assert.ok(ts + dur <= ends.at(-1)! + PICOSECOND, `${name} lies within what is around it`);
    ends.push(ts + dur);
  }
  const flows = events.filter(({ ph }) => ph === 's' || ph === 'f');
  assert.ok(flows.length > 0);
  for (const { ph, id, pid, tid, ts } of flows) {
    const around = slices.find(
      (slice) => slice.pid === pid && slice.tid === tid && slice.ts <= ts && ts < slice.ts + slice.dur,
    );
    assert.is(around?.name, ph === 's' ? 'prefetch' : 'norm and modulate', `${ph} ${id}`);
    assert.is(flows.filter((flow) => flow.id === id && flow.pid === pid).length, 2);
  }
  const last: Record<string, number> = {};
  for (const { pid, name, ts, args } of events.filter(({ ph }) => ph === 'C')) {
    assert.ok(ts > (last[`${pid} ${name}`] ?? -1), `${name} goes on in time`);
    assert.ok(args['GB/s'] >= 0);
    last[`${pid} ${name}`] = ts;
  }
  assert.equal(
    Object.keys(last)
      .filter((name) => name.startsWith('2 '))
      .sort(),
    ['2 D2H copies', '2 H2D copies', '2 host memory, copies'],
  );
  assert.match(stdout, /^step +step +1 +81\.474 +82\.791 +-1\.6$/m);
  assert.match(stdout, /^-: programs record no flags/m);
});

test('the measured durations are read back from it to the nanosecond', async () => {
  await traced(RECORD, ...MACHINE);
  const { intervals } = readTimeline(RECORD).timeline;
  const kinds = new Set(['compute', 'prefetch', 'staging']);
  const recorded = intervals
    .filter(({ category }) => kinds.has(category))
    .map(({ startS, endS }) => Math.round(endS * 1e9) - Math.round(startS * 1e9));
  const read = eventsOf(out)
    .filter(({ ph, pid, cat }) => ph === 'X' && pid === 2 && kinds.has(cat))
    .map(({ dur }) => Math.round(dur * 1e3));
  const sorted = (values: number[]) => values.sort((a, b) => a - b);
  assert.equal(sorted(read), sorted(recorded));
});

test('the same inputs give the same bytes; without --machine the one that the plan was made for predicts', async () => {
  await traced(RECORD, ...MACHINE);
  const first = readFileSync(out, 'utf8');
  await traced(RECORD, ...MACHINE);
  assert.is(readFileSync(out, 'utf8'), first);
  const { stdout } = await traced(RECORD);
  assert.match(stdout, /^simulated: h200-x1, yield,transport=staged-copy$/m);
});

const record = JSON.parse(readFileSync(RECORD, 'utf8'));
const { timeline } = record;
const WRONG: [what: string, content: unknown, message: RegExp][] = [
  [
    'no record',
    { schema: 'other' },
    /wrong\.json:1:\d+: schema: expected chunkflow\/timeline@1, got "other"/,
  ],
  ['a plan that is none', { ...record, plan: 'nothing' }, /wrong\.json: --plan "nothing": is no preset/],
  [
    'another model',
    { ...record, cell: { ...record.cell, model: 'flux.1-dev', size: '1024x1024' } },
    /wrong\.json:1:\d+: timeline\.intervals\.\d+: .* is not operation \d+ of the program that this plan lowers to; measure it anew/,
  ],
  [
    'a chunk that is missing',
    { ...record, timeline: { ...timeline, intervals: timeline.intervals.slice(1) } },
    /wrong\.json:1:\d+: timeline\.intervals\.0: `prefetch 2\/7` has 6 chunks, those of the program .* 7; measure it anew/,
  ],
];
for (const [what, content, message] of WRONG) {
  test(`${what} is refused by its place, and nothing is written`, async () => {
    rmSync(out, { force: true });
    const file = join(folder, 'wrong.json');
    writeFileSync(file, JSON.stringify(content));
    const { code, stdout, stderr } = await traced(file);
    assert.is(code, 2);
    assert.is(stdout, '');
    assert.match(stderr, message);
    assert.is(stderr.trim().split('\n').length, 1);
    assert.throws(() => readFileSync(out), /ENOENT/);
  });
}

test.run();

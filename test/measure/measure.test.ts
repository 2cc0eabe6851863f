import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildPrograms } from '../../build/build.ts';
import { run as measure } from '../../cli/commands/measure/run.ts';
import { PIPED } from '../../cli/text/layout.ts';
import { readManifest } from '../../codegen/manifest.ts';
import { measuredPlans } from '../../measure/measuredPlans.ts';
import { measurePrograms } from '../../measure/measurePrograms.ts';
import { readMeasurement } from '../../measure/readMeasurement.ts';
import { timelineOf, timelinesOf } from '../../measure/timelineOf.ts';
import { UserError } from '../../model/input/userError.ts';
import { noCompiler } from '../support/compilers.ts';
import { runLines } from '../support/measurementFixture.ts';
import { runCli } from '../support/runCli.ts';
import { skip } from '../support/skip.ts';
import { writeStubProgram, writeStubRuntime } from '../support/stubProgram.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-measure-'));
const test = suite('measure');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const program = writeStubProgram(join(folder, 'tiny'));

function fileOf(name: string, lines: readonly string[], rest = ''): string {
  const file = join(folder, name);
  writeFileSync(file, `${lines.join('\n')}\n${rest}`);
  return file;
}

/** The lines with some fields of the records of one kind replaced. */
function changed(record: string, fields: object, lines = runLines()): string[] {
  return lines.map((line) => {
    const value = JSON.parse(line);
    return value.record === record ? JSON.stringify({ ...value, ...fields }) : line;
  });
}

test('a whole run is read, record by record', () => {
  const { runs, notes } = readMeasurement([fileOf('good.jsonl', runLines())]);
  assert.equal(notes, []);
  assert.is(runs.length, 1);
  const [run] = runs;
  assert.is(run!.run.program, 'tiny');
  assert.is(run!.summaries.length, 2);
  assert.is(run!.visits[0]!.powerW, null);
  assert.is(run!.end!.ok, true);
});

test('a last line that is cut off is left out with a note, and so is the end of its run', () => {
  const lines = runLines();
  const last = lines.pop()!;
  const file = fileOf('cut.jsonl', lines, last.slice(0, 20));
  const { runs, notes } = readMeasurement([file]);
  assert.is(runs[0]!.summaries.length, 2);
  assert.is(runs[0]!.end, null);
  assert.equal(notes, [
    `${file}:${lines.length + 1}: the last line is cut off and was left out`,
    `${file}:1: the run of tiny was cut off`,
  ]);
});

test('several runs of one file, one of them failed', () => {
  const failed = [...runLines().slice(0, -1), '{"record":"end","ok":false,"error":"rank 1: timed out"}'];
  const { runs, notes } = readMeasurement([fileOf('two.jsonl', [...failed, ...runLines({ program: 'b' })])]);
  assert.equal(
    runs.map(({ run }) => run.program),
    ['tiny', 'b'],
  );
  assert.match(notes.join(), /two\.jsonl:1: the run of tiny failed: rank 1: timed out$/);
});

test('a run that failed before it began is a note', () => {
  const file = fileOf('early.jsonl', ['{"record":"end","ok":false,"error":"no such device"}', ...runLines()]);
  const { runs, notes } = readMeasurement([file]);
  assert.is(runs.length, 1);
  assert.equal(notes, [`${file}:1: a run failed before it began: no such device`]);
});

test('anything else is refused with file and line', () => {
  const lines = runLines();
  for (const [bad, message] of [
    [[lines[0]!, '{"record":"vis'], /bad\.jsonl:2: is not JSON/],
    [[lines[0]!, '{"record":"viisit"}'], /bad\.jsonl:2: record: expected one of run, .*got "viisit"/],
    [['{"record":"end","ok":true,"wallS":1}'], /bad\.jsonl:1: end record outside a run/],
    [[...lines, lines[1]!], /bad\.jsonl:15: memory record outside a run/],
    [changed('memory', { surplus: 1 }), /bad\.jsonl:2: memory: unrecognized key: "surplus"/],
    [changed('summary', { medianS: -1 }), /: summary\.medianS: /],
    [changed('timeline', { part: [0] }), /: timeline: columns of different length/],
    [changed('run', { schema: 'chunkflow/measurement@9' }), /bad\.jsonl:1: run\.schema: /],
  ] as const) {
    const file = fileOf('bad.jsonl', bad);
    assert.throws(
      () => readMeasurement([file]),
      (error: Error) => error instanceof UserError && message.test(error.message),
      String(message),
    );
  }
  assert.throws(() => readMeasurement([join(folder, 'nowhere.jsonl')]), /cannot be read \(ENOENT\)/);
});

test('measured beside predicted: the error, the memory, the place', () => {
  const manifest = readManifest(program);
  const rows = (lines: string[]) =>
    measuredPlans(readMeasurement([fileOf('rows.jsonl', lines)]).runs[0]!, manifest);
  const [none, yields] = rows(runLines());
  assert.is(none!.transport, 'staged-copy');
  assert.is(none!.place, 'mirrored (one GPU)');
  assert.ok(Math.abs(none!.error! - 0.1) < 1e-9);
  assert.ok(Math.abs(yields!.error! - (0.011 / 0.012 - 1)) < 1e-9);
  assert.is(none!.claimedBytes, 3 * 2 ** 30);
  assert.is(none!.measuredBytes, 2 * 2 ** 30);
  assert.is(yields!.sameOutput, true);

  // No prediction is made of CPU cores, or of ranks that share a GPU.
  for (const [place, backend, label] of [
    ['host', 'host', 'host (no GPU)'],
    ['colocated', 'cuda', 'colocated (no timing)'],
  ] as const) {
    const [row] = rows(runLines({ place, backend }));
    assert.is(row!.place, label);
    assert.is(row!.predictedS, null);
    assert.is(row!.error, null);
  }
  assert.is(rows(runLines({ place: 'host', backend: 'host' }))[0]!.measuredBytes, 2 ** 30);
  const [synthetic] = rows(changed('run', { options: { compute: 'synthetic' } }));
  assert.is(synthetic!.place, 'mirrored (one GPU), synthetic compute');
});

test('what was only checked is shown without a time', () => {
  const untimed = runLines().filter((line) => !line.includes('"record":"summary"'));
  // Ranks that share a GPU have no step time, even where one was written down.
  for (const lines of [untimed, runLines({ place: 'colocated' })]) {
    const rows = measuredPlans(readMeasurement([fileOf('checked.jsonl', lines)]).runs[0]!, null);
    assert.equal(
      rows.map(({ plan, mode, medianS, timesFirst, claimedBytes, sameOutput }) => [
        ...[plan, mode, medianS, timesFirst, claimedBytes, sameOutput],
      ]),
      ['none', 'yield'].map((plan) => [plan, 'eager', null, null, 3 * 2 ** 30, true]),
    );
  }
  // A plan that was timed stands there once.
  const timed = measuredPlans(readMeasurement([fileOf('timed.jsonl', runLines())]).runs[0]!, null);
  assert.equal(
    timed.map(({ plan, timesFirst }) => [plan, timesFirst]),
    [
      ['none', 1],
      ['yield', 1.2],
    ],
  );
});

test('output is the same only where every digest is, and is finite', () => {
  const digests = [{ rank: 0, residual: 'x', digest: 'fedcba9876543210' }];
  const rows = (fields: object) => {
    const lines = runLines();
    const at = lines.findIndex((line) => line.includes('"output","plan":1'));
    lines[at] = JSON.stringify({ ...JSON.parse(lines[at]!), ...fields });
    return measuredPlans(readMeasurement([fileOf('same.jsonl', lines)]).runs[0]!, null).map(
      ({ sameOutput }) => sameOutput,
    );
  };
  assert.equal(rows({}), [true, true]);
  assert.equal(rows({ digests }), [true, false]);
  assert.equal(rows({ finite: false }), [true, false]);
});

test('a measured timeline names what the manifest says stood there, rank by rank', () => {
  const { runs } = readMeasurement([fileOf('ranks.jsonl', runLines({ ranks: 2 }))]);
  const [first, second] = timelinesOf(runs[0]!, readManifest(program));
  assert.equal([first!.plan, second!.plan], [0, 1]);
  assert.is(first!.timeline.source, 'measured, mirrored (one GPU)');
  assert.is(first!.timeline.intervals.length, 6);
  assert.equal(first!.timeline.intervals.slice(0, 2), [
    {
      ...{ rank: 0, track: 'compute', name: 'QKV', category: 'compute', startS: 0, endS: 0.005 },
      ...{ op: 7, position: 0, bytes: 0 },
    },
    {
      ...{ rank: 0, track: 'copy', name: 'block 1 1/2', category: 'prefetch', startS: 0.001, endS: 0.002 },
      ...{ op: 8, position: 0, bytes: 2 ** 19 },
    },
  ]);
});

test("a statement's parts share its bytes: all alike but the last one, which is as short as its time", () => {
  const columns = { position: [0, 0, 0, 0], statement: [1, 1, 1, 1], part: [0, 1, 2, 3] };
  const times = { startS: [0, 2, 4, 6], endS: [2, 4, 6, 6.5] };
  const measured = { rank: 0, stepS: 7, ...columns, ...times };
  const { intervals } = timelineOf([measured], readManifest(program), 0, 'x');
  const whole = 2 ** 20 / 3.25;
  assert.equal(
    intervals.map(({ bytes }) => bytes),
    [whole, whole, whole, 0.25 * whole],
  );
  // So that all of them went at one rate.
  for (const { bytes, startS, endS } of intervals) assert.is(bytes / (endS - startS), whole / 2);
});

test('a timeline of another program is refused', () => {
  const columns = { rank: 0, stepS: 1, position: [0], statement: [5], part: [0], startS: [0], endS: [1] };
  assert.throws(() => timelineOf([columns], readManifest(program), 0, 'x'), /plan none has no statement 5/);
  assert.throws(() => timelineOf([columns], readManifest(program), 7, 'x'), /tiny has no plan 7/);
});

async function run(folders: readonly string[], flags: Parameters<typeof measure>[1]) {
  const printed = { code: -1, stdout: '', stderr: '' };
  printed.code = await measure(folders, flags, {
    result: (text) => (printed.stdout += text),
    diagnostic: (text) => (printed.stderr += text),
    terminal: false,
    layout: PIPED,
  });
  return printed;
}

test('measure --from shows what a bundle brought back, and writes its traces', async () => {
  const bundle = join(folder, 'bundle');
  mkdirSync(join(bundle, 'results'), { recursive: true });
  writeStubProgram(join(bundle, 'programs', 'tiny'));
  writeFileSync(join(bundle, 'results', 'tiny.jsonl'), `${runLines().join('\n')}\n`);
  const trace = join(folder, 'trace.json');
  for (const from of [bundle, join(bundle, 'results')]) {
    const { code, stdout, stderr } = await run([], { from, trace });
    assert.is(code, 0, stderr);
    assert.match(stdout, /^on NVIDIA H200, mirrored \(one GPU\), 1 rank in groups of 2 over staged-copy, /m);
    assert.match(stdout, /yield +12\.00 +0\.01 +1\.200 +yes +11\.00 +-8\.3 +3\.00 +2\.00 +yes/);
    assert.match(stdout, /0 of 8 chunks were not there in time/);
  }
  for (const plan of ['none', 'yield']) {
    const { traceEvents } = JSON.parse(readFileSync(join(folder, `trace.${plan}.json`), 'utf8'));
    assert.ok(traceEvents.some((event: { name: string }) => event.name === 'QKV'));
  }
});

test('measure --from with the manifest of another program says where they are at odds', async () => {
  const bundle = join(folder, 'other');
  mkdirSync(join(bundle, 'results'), { recursive: true });
  writeStubProgram(join(bundle, 'programs', 'tiny'));
  const lines = runLines().map((line) => line.replace('"statement":[0,1,1]', '"statement":[0,1,7]'));
  writeFileSync(join(bundle, 'results', 'tiny.jsonl'), `${lines.join('\n')}\n`);
  const args = ['measure', '--from', bundle, '--trace', join(folder, 'other.json')];
  const { code, stderr } = await runCli(args);
  assert.is(code, 2);
  assert.match(
    stderr,
    /^error: .*tiny\.jsonl:6: timeline: plan none has no statement 7 at position 0; give .*\n$/,
  );
});

test('measure --from says why nothing is predicted of a run on CPU cores', async () => {
  const results = join(folder, 'on-host');
  mkdirSync(join(results, 'results'), { recursive: true });
  writeStubProgram(join(results, 'programs', 'tiny'));
  writeFileSync(
    join(results, 'results', 'x.jsonl'),
    `${runLines({ place: 'host', backend: 'host' }).join('\n')}\n`,
  );
  const { stdout } = await run([], { from: results });
  assert.match(stdout, /^on .*, host \(no GPU\), /m);
  assert.match(stdout, /predicted: none, since CPU cores stand for the GPUs that the machine file describes/);
  assert.not.match(stdout, /predicted ms|error %/);
});

test('measure --from without the manifest says so, and fails for a run that did not end', async () => {
  const results = join(folder, 'bare');
  mkdirSync(results);
  writeFileSync(join(results, 'x.jsonl'), `${runLines({ fingerprint: 'beef' }).slice(0, -1).join('\n')}\n`);
  const { code, stdout, stderr } = await run([], { from: results });
  assert.is(code, 1);
  assert.match(stderr, /x\.jsonl: no manifest of tiny with fingerprint beef/);
  assert.match(stderr, /was cut off/);
  assert.match(stdout, /mirrored/);
  assert.match(stdout, /predicted: none, since the manifest of what ran is not at hand/);
});

const whyNot = noCompiler();
const compiled = (name: string, body: () => Promise<void>) =>
  whyNot === null ? test(name, body) : skip(test, name, whyNot);

async function built() {
  const runtime = writeStubRuntime(join(folder, 'runtime'));
  return (await buildPrograms([program], { backend: 'host', runtime, outDir: join(folder, 'out') })).programs;
}

for (const runner of ['executable', 'in-process'] as const) {
  compiled(`programs are run (${runner}), and their results read back`, async () => {
    const file = join(folder, 'deep', `${runner}.jsonl`);
    const notes: string[] = [];
    const options = { outFile: () => file, runner, onNote: (text: string) => notes.push(text) };
    const [measured] = await measurePrograms(await built(), { ...options, args: ['--rounds', '2'] });
    assert.is(measured!.failure, null);
    assert.equal(notes, ['measuring with 5 arguments']);
    // A second run is appended.
    await measurePrograms(await built(), { ...options, args: [] });
    assert.is(readMeasurement([file]).runs.length, 2);
  });

  compiled(`what goes wrong in a run (${runner})`, async () => {
    const programs = await built();
    const options = { outFile: () => join(folder, 'bad-run.jsonl'), runner, onNote: () => {} };
    const [failed] = await measurePrograms(programs, { ...options, args: ['--seed', '99'] });
    assert.is(failed!.failure, 'rank 0: the device is gone');
    let message = '';
    try {
      await measurePrograms(programs, { ...options, args: ['--seed', '13'] });
    } catch (error) {
      message = (error as Error).message;
    }
    assert.is(message, 'tiny: --seed: 13 is refused here');
  });
}

test('a results folder that cannot be made', async () => {
  const file = join(folder, 'a-file');
  appendFileSync(file, '');
  const { folder: _, ...rest } = { folder, library: 'x', executable: 'x', edited: [] };
  const options = {
    args: [],
    outFile: () => join(file, 'x.jsonl'),
    runner: 'executable',
    onNote: () => {},
  } as const;
  let message = '';
  try {
    await measurePrograms([{ ...rest, folder: program, manifest: readManifest(program) }], options);
  } catch (error) {
    message = (error as Error).message;
  }
  assert.match(message, /a-file": cannot be made \(EEXIST\)/);
});

test.run();

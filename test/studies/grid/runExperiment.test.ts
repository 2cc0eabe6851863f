import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readMeasurement } from '../../../measure/readMeasurement.ts';
import { cellsOf, readExperiment } from '../../../studies/grid/experimentFile.ts';
import { type ExperimentRun, runExperiment } from '../../../studies/grid/runExperiment.ts';
import { lockResults } from '../../../studies/grid/runLock.ts';
import { noCompiler } from '../../support/compilers.ts';
import { runLines } from '../../support/measurementFixture.ts';
import { skip } from '../../support/skip.ts';
import { writeStubRuntime } from '../../support/stubProgram.ts';
import { stubWriter, writeExperiment } from './stubExperiment.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-experiment-'));
const test = suite('running an experiment');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const runtime = writeStubRuntime(join(folder, 'runtime'));
const outDir = join(folder, 'build');
const file = writeExperiment(folder);
const experiment = readExperiment(file);
const cells = cellsOf(experiment);
const [first, second, third] = cells.map(({ id }) => id) as [string, string, string];

const whyNot = noCompiler();
const compiled = (name: string, body: () => Promise<void>) =>
  whyNot === null ? test(name, body) : skip(test, name, whyNot);

async function run(name: string, options: Partial<ExperimentRun> = {}) {
  const notes: string[] = [];
  const outcomes = await runExperiment(experiment, cells, {
    results: join(folder, name),
    build: { backend: 'host', runtime, outDir },
    onNote: (text) => notes.push(text),
    onCell: ({ id }, plans, index, count) => notes.push(`cell ${index + 1} of ${count}: ${id}, ${plans}`),
    writeProgram: stubWriter(folder),
    ...options,
  });
  const failures = outcomes.filter(({ failure }) => failure !== null);
  return { notes, failures: failures.map(({ cell, failure }) => `${cell.id}: ${failure}`) };
}

const resultsOf = (name: string, id: string) => join(folder, name, `${id}.jsonl`);
const textOf = (name: string, id: string) => readFileSync(resultsOf(name, id), 'utf8');
const runsIn = (name: string, id: string) => readMeasurement([resultsOf(name, id)]).runs;
const measuredCells = (notes: readonly string[]) => notes.filter((note) => note.startsWith('cell '));

compiled('what is done is not measured again', async () => {
  const { notes, failures } = await run('twice');
  assert.equal(failures, []);
  assert.equal(measuredCells(notes), [
    `cell 1 of 3: ${first}, 2`,
    `cell 2 of 3: ${second}, 2`,
    `cell 3 of 3: ${third}, 2`,
  ]);
  const before = cells.map(({ id }) => textOf('twice', id));
  assert.equal(await run('twice'), { notes: [], failures: [] });
  assert.equal(
    cells.map(({ id }) => textOf('twice', id)),
    before,
  );
  assert.not.ok(existsSync(join(folder, 'twice', 'lock.json')));
});

compiled('only the plans that are missing are measured', async () => {
  mkdirSync(join(folder, 'half'));
  const lines = (plan: number) =>
    runLines({ program: first }).filter((line) => !line.includes(`"plan":${plan}`));
  // One run has plan 0 alone; of a failed one nothing counts.
  const failed = [...runLines({ program: first }).slice(0, -1), '{"record":"end","ok":false,"error":"lost"}'];
  const before = `${[...lines(1), ...failed].join('\n')}\n`;
  writeFileSync(resultsOf('half', first), before);
  const { notes, failures } = await run('half');
  assert.equal(failures, []);
  assert.ok(notes.includes(`cell 1 of 3: ${first}, 1`), notes.join('\n'));
  assert.ok(notes.includes('arguments: --rounds 2 --plans 1'), notes.join('\n'));
  assert.ok(notes.includes('arguments: --rounds 2'));
  assert.is(textOf('half', first), `${before}${lines(0).join('\n')}\n`);
});

compiled('a last line that was cut off is removed before more is appended, with a note', async () => {
  mkdirSync(join(folder, 'torn'));
  const whole = `${runLines({ program: second }).slice(0, 5).join('\n')}\n`;
  writeFileSync(resultsOf('torn', second), `${whole}{"record":"vis`);
  const { notes, failures } = await run('torn');
  assert.equal(failures, []);
  const file = resultsOf('torn', second);
  assert.ok(
    notes.includes(`${file}: its last line was cut off in the middle; its 14 bytes were removed`),
    notes.join('\n'),
  );
  assert.is(textOf('torn', second), `${whole}${runLines({ program: second }).join('\n')}\n`);
});

compiled('a program that has changed is measured anew into the same file, and that is said', async () => {
  await run('changed');
  const before = textOf('changed', third);
  const { notes } = await run('changed', { writeProgram: stubWriter(folder, { fingerprint: 'beef' }) });
  assert.is(measuredCells(notes).length, 3);
  assert.ok(
    notes.some((note) => note.startsWith(`${third}: has changed since`) && note.includes('was f00d')),
  );
  assert.ok(textOf('changed', third).startsWith(before));
  assert.equal(
    runsIn('changed', third).map(({ run }) => run.fingerprint),
    ['f00d', 'beef'],
  );
  // The manifests of both stay at hand.
  for (const fingerprint of ['f00d', 'beef']) {
    assert.ok(existsSync(join(folder, 'changed', 'programs', `${third}-${fingerprint}`, 'manifest.json')));
  }
  assert.equal(measuredCells((await run('changed')).notes), []);
});

compiled('a cell that fails does not stop the others', async () => {
  process.env.CHUNKFLOW_STUB_FAILS = second;
  const ran = await run('failing');
  delete process.env.CHUNKFLOW_STUB_FAILS;
  assert.equal(ran.failures, [`${second}: rank 0: the device is gone`]);
  assert.is(runsIn('failing', third).length, 1);
  assert.equal(measuredCells((await run('failing')).notes), [`cell 1 of 1: ${second}, 2`]);

  const broken = await run('broken', { writeProgram: stubWriter(folder, { broken: first }) });
  assert.is(broken.failures.length, 1);
  assert.match(broken.failures[0]!, new RegExp(`^${first}: the build failed: .*missing_name`));
  assert.is(runsIn('broken', second).length, 1);

  mkdirSync(join(folder, 'unreadable'));
  writeFileSync(resultsOf('unreadable', second), '{"record":"viisit"}\n');
  const unreadable = await run('unreadable');
  assert.is(unreadable.failures.length, 1);
  assert.match(unreadable.failures[0]!, /sp2\.jsonl:1: record: expected one of run/);
  assert.is(textOf('unreadable', second), '{"record":"viisit"}\n');
  assert.is(runsIn('unreadable', third).length, 1);
});

test('arguments that the experiment gives itself are refused', async () => {
  for (const argument of ['--plans', '--out']) {
    try {
      await runExperiment({ ...experiment, measure: [argument, '0'] }, cells, {
        ...{ results: join(folder, 'refused'), build: { backend: 'host' } },
        ...{ onNote: () => {}, onCell: () => {} },
      });
      assert.unreachable();
    } catch (error) {
      assert.match((error as Error).message, `measure: ${argument} is given by the experiment itself`);
    }
  }
});

test('a lock keeps a second run out, and the lock of a dead process does not', () => {
  const place = join(folder, 'locked');
  const lock = join(place, 'lock.json');
  const unlock = lockResults(place);
  assert.throws(
    () => lockResults(place),
    new RegExp(`process ${process.pid} on .* is running an experiment here`),
  );
  unlock();
  lockResults(place)();
  const own = { host: hostname(), pid: process.pid, startTicks: '1' };
  for (const [stale, text] of [
    ['a process that is no more', JSON.stringify({ ...own, pid: 2 ** 22 + 1 })],
    ['another process that got the same number', JSON.stringify(own)],
    ['a lock that a host left half written', ''],
  ] as const) {
    writeFileSync(lock, text);
    const release = lockResults(place);
    assert.is(JSON.parse(readFileSync(lock, 'utf8')).pid, process.pid, stale);
    release();
  }
  writeFileSync(lock, JSON.stringify({ ...own, host: 'elsewhere' }));
  assert.throws(
    () => lockResults(place),
    /on elsewhere is running an experiment here; wait for it, or remove/,
  );
});

/** Starts the stub experiment as a process group of its own, slowly. */
function start(
  name: string,
  delayMs: number,
): { child: ChildProcess; notes: () => string; ended: Promise<unknown> } {
  const script = join(import.meta.dirname, 'runStub.ts');
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', script, file, join(folder, name), runtime, outDir],
    {
      env: { ...process.env, CHUNKFLOW_STUB_DELAY_MS: String(delayMs) },
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let text = '';
  child.stderr!.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  return { child, notes: () => text, ended: new Promise((resolve) => child.on('exit', resolve)) };
}

async function linesOf(name: string, id: string, atLeast: number): Promise<string> {
  for (;;) {
    const text = existsSync(resultsOf(name, id)) ? textOf(name, id) : '';
    if (text.split('\n').length > atLeast) return text;
    await sleep(5);
  }
}

const DELAY_MS = 60;

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  const pids = stdout.trim().split(/\s+/).map(Number);
  // The transpiler beside us is no group of its own.
  return pids.filter((child) => {
    const stat = `/proc/${child}/stat`;
    return existsSync(stat) && readFileSync(stat, 'utf8').split(' ')[4] === String(child);
  });
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  compiled(`${signal} ends the running program, says so, and leaves the results free`, async () => {
    const name = `stopped-${signal}`;
    const { child, notes, ended } = start(name, 20 * DELAY_MS);
    await linesOf(name, first, 1);
    const programs = childrenOf(child.pid!);
    assert.is(programs.length, 1);
    process.kill(child.pid!, signal);
    assert.is(await ended, code, notes());
    assert.match(
      notes(),
      new RegExp(`^stopped by ${signal}; the running program was ended, and what was done stays`, 'm'),
    );
    assert.throws(() => process.kill(programs[0]!, 0), /ESRCH/);
    assert.not.ok(existsSync(join(folder, name, 'lock.json')));
    assert.is(runsIn(name, first)[0]!.end, null, 'the run was in flight');
    assert.not.ok(existsSync(resultsOf(name, second)));

    const { notes: later, failures } = await run(name);
    assert.equal(failures, []);
    assert.is(measuredCells(later).length, 3);
  });
}

compiled('killed with its run: nothing done is repeated, nothing written is lost', async () => {
  const { child, ended } = start('killed', 5 * DELAY_MS);
  await linesOf('killed', second, 4);
  // A stopped parent cannot begin the next cell between the two kills. The program is a group of its own.
  process.kill(-child.pid!, 'SIGSTOP');
  for (const pid of childrenOf(child.pid!)) process.kill(-pid, 'SIGKILL');
  process.kill(-child.pid!, 'SIGKILL');
  await ended;
  const done = textOf('killed', first);
  const begun = textOf('killed', second);
  assert.is(runsIn('killed', second)[0]!.end, null, 'the run was in flight');
  assert.not.ok(existsSync(resultsOf('killed', third)));
  appendFileSync(resultsOf('killed', second), '{"record":"su');

  const { notes, failures } = await run('killed');
  assert.equal(failures, []);
  assert.equal(measuredCells(notes), [`cell 1 of 2: ${second}, 2`, `cell 2 of 2: ${third}, 2`]);
  assert.is(textOf('killed', first), done);
  assert.is(textOf('killed', second), `${begun}${runLines({ program: second }).join('\n')}\n`);
  assert.is(runsIn('killed', third).length, 1);
});

compiled('killed alone: the run that it leaves behind is waited for and counts', async () => {
  const { child, ended } = start('orphan', DELAY_MS);
  await linesOf('orphan', second, 4);
  process.kill(child.pid!, 'SIGKILL');
  await ended;
  const { notes, failures } = await run('orphan');
  assert.equal(failures, []);
  if (existsSync('/proc/locks')) {
    assert.ok(
      notes.some((note) => /waiting for process \d+, which still writes to it/.test(note)),
      notes.join('\n'),
    );
  }
  assert.equal(measuredCells(notes), [`cell 1 of 1: ${third}, 2`]);
  for (const { id } of cells) assert.is(textOf('orphan', id), `${runLines({ program: id }).join('\n')}\n`);
});

compiled('a second start beside a first one that runs is refused', async () => {
  const { notes, ended } = start('beside', DELAY_MS);
  await linesOf('beside', first, 2);
  try {
    await run('beside');
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /is running an experiment here/);
  }
  assert.is(await ended, 0, notes());
  for (const { id } of cells) assert.is(textOf('beside', id), `${runLines({ program: id }).join('\n')}\n`);
});

test.run();

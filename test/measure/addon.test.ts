import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadAddon } from '../../measure/addon.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { compileProgram, noCompiler } from '../support/compilers.ts';
import { runLines } from '../support/measurementFixture.ts';
import { skip } from '../support/skip.ts';
import { writeStubProgram } from '../support/stubProgram.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-addon-'));
const test = suite('addon');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const whyNot = noCompiler();
const compiled = (name: string, body: () => Promise<void>) =>
  whyNot === null ? test(name, body) : skip(test, name, whyNot);

/** A shared library of the stub program, compiled without CMake. */
function library(name: string, options: Parameters<typeof writeStubProgram>[1] = {}): string {
  const sources = writeStubProgram(join(folder, name), { id: name, ...options });
  const file = join(folder, `${name}.so`);
  const flags = ['-std=c++20', '-shared', '-fPIC', `-I${join(packageRoot, 'runtime')}`];
  compileProgram(file, flags, [join(sources, 'program.cpp')]);
  return file;
}

async function rejection(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  return 'was not rejected';
}

compiled('lines and notes arrive in order while the program runs', async () => {
  const program = (await loadAddon()).load(library('stream'));
  assert.is(JSON.parse(program.describe()).id, 'stream');
  const lines: string[] = [];
  const notes: string[] = [];
  const run = program.run(
    ['--rounds', '3'],
    (line) => lines.push(line),
    (note) => notes.push(note),
  );
  assert.is(lines.length, 0);
  assert.throws(() => program.run([], () => {}), /is running already/);
  assert.equal(await run, { exitCode: 0 });
  assert.equal(lines, runLines({ program: 'stream' }));
  assert.equal(notes, ['measuring with 2 arguments']);
  // And once more: nothing of the first run is left.
  assert.equal(await program.run([], () => {}), { exitCode: 0 });
});

compiled('timelines come as columns of numbers, the other records as lines', async () => {
  const program = (await loadAddon()).load(library('collect'));
  const { exitCode, lines, timelines } = await program.runCollect([]);
  assert.is(exitCode, 0);
  const expected = runLines({ program: 'collect' });
  assert.equal(
    lines,
    expected.filter((line) => !line.includes('"timeline"')),
  );
  assert.is(timelines.length, 2);
  assert.equal(timelines[1], {
    ...{ plan: 1, rank: 0, stepS: 0.01, position: Int32Array.of(0, 0, 0), statement: Int32Array.of(0, 1, 1) },
    ...{ part: Int32Array.of(0, 0, 1), startS: Float64Array.of(0, 0.001, 0.002) },
    endS: Float64Array.of(0.005, 0.002, 0.003),
  });
});

compiled('a time that is not known is NaN; a timeline that makes no sense stays a line', async () => {
  const timeline = {
    record: 'timeline',
    plan: 0,
    rank: 0,
    stepS: 1,
    position: [0],
    statement: [0],
    part: [0],
  };
  const unknown = JSON.stringify({ ...timeline, startS: [null], endS: [1e-9] });
  const short = JSON.stringify({ ...timeline, startS: [], endS: [1] });
  const program = (await loadAddon()).load(library('odd', { lines: [unknown, short] }));
  const notes: string[] = [];
  const { lines, timelines } = await program.runCollect([], (note) => notes.push(note));
  assert.ok(Number.isNaN(timelines[0]!.startS[0]));
  assert.is(timelines[0]!.endS[0], 1e-9);
  assert.equal(lines, [short]);
  assert.ok(notes.includes('a timeline record with columns of different length'));
});

compiled('exit codes and errors come back', async () => {
  const addon = await loadAddon();
  const program = addon.load(library('failing'));
  const notes: string[] = [];
  assert.equal(
    await program.run(
      ['--seed', '13'],
      () => {},
      (note) => notes.push(note),
    ),
    { exitCode: 2 },
  );
  assert.equal(notes, ['error: --seed: 13 is refused here']);
  const thrown = program.run([], () => {
    throw new Error('the disk is full');
  });
  assert.is(await rejection(thrown), 'the disk is full');
  assert.equal(await program.run([], () => {}), { exitCode: 0 });
  for (const [args, message] of [
    [['x'], /onLine: expected a function/],
    [['x', 3], /onLine: expected a function/],
    ['x', /onLine: expected a function|expected an array of strings/],
  ] as const) {
    const call = program.run as (...values: unknown[]) => Promise<unknown>;
    assert.throws(() => call(...args), message);
  }
});

compiled('what is no generated program is refused', async () => {
  const addon = await loadAddon();
  assert.throws(
    () => addon.load(join(folder, 'nowhere.so')),
    /nowhere\.so: cannot be loaded \(.*No such file/,
  );
  const old = library('old', { abi: 7 });
  assert.throws(
    () => addon.load(old),
    /old\.so: has interface version 7, expected 1; generate and build it anew/,
  );
  const other = library('other', { source: 'int nothing_of_interest = 1;\n' });
  assert.throws(() => addon.load(other), /other\.so: is no generated program \(it has no chunkflow_abi\)/);
});

compiled('a process may end in the middle of a run', async () => {
  await loadAddon();
  const slow = library('slow', {
    source: `#include <unistd.h>
#include "program/runtime.hpp"
extern "C" int chunkflow_abi() { return 1; }
extern "C" const char* chunkflow_describe() { return "{}"; }
extern "C" int chunkflow_run(int, const char* const*, const chunkflow::Sink* sink) {
  for (;;) {
    usleep(1000);
    if (sink->line(sink->user, "{}") != 0) return 1;
  }
}
`,
  });
  const addon = join(packageRoot, 'native', 'build', 'Release', 'chunkflow_addon.node');
  const program = `require(${JSON.stringify(addon)}).load(${JSON.stringify(slow)}).run([], () => {});
    setTimeout(() => process.exit(5), 50);`;
  const { status, signal, stderr } = spawnSync(process.execPath, ['-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.equal({ status, signal, stderr }, { status: 5, signal: null, stderr: '' });
});

test.run();

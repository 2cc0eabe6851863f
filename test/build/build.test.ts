import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildPrograms } from '../../build/build.ts';
import { firstError } from '../../build/compilerLog.ts';
import { UserError } from '../../model/input/userError.ts';
import { noCompiler } from '../support/compilers.ts';
import { skip } from '../support/skip.ts';
import { writeStubProgram, writeStubRuntime } from '../support/stubProgram.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow build '));
const test = suite('build');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const runtime = writeStubRuntime(join(folder, 'runtime'));
const OPTIONS = { backend: 'host', runtime, outDir: join(folder, 'out') } as const;

async function refusal(dirs: readonly string[], options = {}): Promise<string> {
  try {
    await buildPrograms(dirs, { ...OPTIONS, ...options });
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error('was not refused');
}

const whyNot = noCompiler();
const compiled = (name: string, body: () => Promise<void>) =>
  whyNot === null ? test(name, body) : skip(test, name, whyNot);

compiled('two programs, one build: library and executable of each, and nothing twice', async () => {
  const dirs = [
    writeStubProgram(join(folder, 'one'), { id: 'one' }),
    writeStubProgram(join(folder, 'two'), { id: 'two' }),
  ];
  const { programs, notes } = await buildPrograms(dirs, OPTIONS);
  assert.equal(notes, []);
  assert.equal(
    programs.map(({ manifest }) => manifest.id),
    ['one', 'two'],
  );
  for (const { library, executable, manifest } of programs) {
    assert.ok(existsSync(library), library);
    const { status, stdout } = spawnSync(executable, [], { encoding: 'utf8' });
    assert.is(status, 0);
    assert.ok(stdout.includes(`"program":"${manifest.id}"`));
  }
  const built = statSync(programs[0]!.library).mtimeMs;
  const again = await buildPrograms(dirs, OPTIONS);
  assert.is(statSync(again.programs[0]!.library).mtimeMs, built);
});

compiled('a source that was edited is built, with a note', async () => {
  const dir = writeStubProgram(join(folder, 'edited'), { id: 'edited' });
  appendFileSync(join(dir, 'program.cpp'), '// by hand\n');
  const { notes } = await buildPrograms([dir], OPTIONS);
  assert.equal(notes, [`note: ${join(dir, 'program.cpp')} has been edited since it was generated`]);
});

compiled('what does not compile: the first error in one line, and the log', async () => {
  const dir = writeStubProgram(join(folder, 'broken'), { id: 'broken', source: 'int x = missing_name;\n' });
  const message = await refusal([dir]);
  assert.match(
    message,
    /^the build failed: \S.*program\.cpp:1:9: error: .*missing_name.* \(all of it: .*build\.log\)$/,
  );
  assert.not.match(message, /\n/);
});

compiled("CMake's own complaint is shown as one line", async () => {
  const dir = writeStubProgram(join(folder, 'complaint'), { id: 'complaint' });
  // CMake wraps what is longer than a line.
  const complaint = `NCCL is missing: ${'look for it everywhere; '.repeat(6)}install it`;
  writeFileSync(join(dir, 'CMakeLists.txt'), `message(FATAL_ERROR "${complaint}")\n`);
  assert.ok((await refusal([dir])).startsWith(`the build failed: ${complaint} (all of it: `));
});

test('refused before anything is compiled', async () => {
  const good = writeStubProgram(join(folder, 'good'), { id: 'good' });
  const gone = writeStubProgram(join(folder, 'gone'), { id: 'gone' });
  rmSync(join(gone, 'program.cpp'));
  for (const [dirs, options, message] of [
    [[], {}, /no folder of a generated program/],
    [[folder], {}, /no manifest\.json/],
    [[gone], {}, /program\.cpp: is missing; generate/],
    [[good, writeStubProgram(join(folder, 'copy'), { id: 'good' })], {}, /is called "good" like/],
    [[writeStubProgram(join(folder, 'a;b'), { id: 'semicolon' })], {}, /cannot handle a path with quotes/],
    [[writeStubProgram(join(folder, 'a$b'), { id: 'dollar' })], {}, /cannot handle a path with quotes/],
    [
      [good],
      { env: { PATH: join(folder, 'nothing') } },
      /^C\+\+ compiler is missing.*sudo apt-get install g\+\+/,
    ],
    [[good], { architectures: ['sm_90'] }, /architecture "sm_90": expected a number/],
  ] as const) {
    // Without a compiler only what does not get that far can be told apart.
    if (whyNot !== null && 'architectures' in options) continue;
    assert.match(await refusal(dirs, options), message);
  }
});

test('the first error of a log, in each tool’s form', () => {
  for (const [log, expected] of [
    ['warning: x\na/b.cpp:3:7: error: no\nc.cpp:1:1: error: later', 'a/b.cpp:3:7: error: no'],
    ['x.cu(12): error: identifier "y" is undefined', 'x.cu(12): error: identifier "y" is undefined'],
    ['nvcc fatal   : Unsupported gpu architecture', 'nvcc fatal   : Unsupported gpu architecture'],
    ['f.cpp:(.text+0x5): undefined reference to `g()', 'f.cpp:(.text+0x5): undefined reference to `g()'],
    [
      'CMake Error at x.cmake:3 (message):\n  cuDNN is missing:\n  get it\n\n\nCall Stack',
      'cuDNN is missing: get it',
    ],
    ['CMake Error: could not load cache', 'could not load cache'],
    ['all is well', null],
  ] as const) {
    assert.is(firstError(log), expected);
  }
});

test.run();

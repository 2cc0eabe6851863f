import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from '../../build/bundle.ts';
import { readResults } from '../../measure/findResults.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { noCompiler } from '../support/compilers.ts';
import { runLines } from '../support/measurementFixture.ts';
import { skip } from '../support/skip.ts';
import { writeStubProgram, writeStubRuntime } from '../support/stubProgram.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-bundle-'));
const test = suite('bundle');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const runtime = writeStubRuntime(join(folder, 'runtime'));
const one = writeStubProgram(join(folder, 'one'), { id: 'one' });
const two = writeStubProgram(join(folder, 'two'), { id: 'two', fingerprint: 'beef' });

function shell(command: string, args: readonly string[], options = {}) {
  return spawnSync(command, args, { encoding: 'utf8', ...options });
}

test('measure.sh is a shell script that a plain sh reads', () => {
  const script = join(packageRoot, 'build', 'bundle', 'measure.sh');
  assert.equal(shell('sh', ['-n', script]).stderr, '');
});

test('the same programs give the same bytes, whatever the clock and the rights of the sources', async () => {
  const first = await bundle([one, two], { out: join(folder, 'a.tar'), runtime });
  utimesSync(join(one, 'program.cpp'), new Date(0), new Date(0));
  chmodSync(join(one, 'program.cpp'), 0o600);
  writeFileSync(join(one, 'left-over.o'), 'built');
  const second = await bundle([one, two], { out: join(folder, 'b.tar'), runtime });
  assert.ok(readFileSync(first.out).equals(readFileSync(second.out)));
  assert.equal(first.files, [
    ...['CMakeLists.txt', 'README.txt', 'SHA256SUMS', 'measure.sh', 'programs.txt'],
    ...['one', 'two'].flatMap((id) =>
      ['CMakeLists.txt', 'lines.hpp', 'manifest.json', 'program.cpp'].map((name) => `programs/${id}/${name}`),
    ),
    ...['runtime/CMakeLists.txt', 'runtime/main.cpp'],
  ]);
  const { stdout } = shell('tar', ['--list', '--verbose', '--file', first.out]);
  assert.match(stdout, /^-rwxr-xr-x 0\/0 .* chunkflow-bundle\/measure\.sh$/m);
  assert.not.match(stdout, /left-over/);
});

test('outputs that are refused', async () => {
  const message = async (out: string) => {
    try {
      await bundle([one], { out, runtime });
    } catch (error) {
      return (error as Error).message;
    }
    return 'was not refused';
  };
  assert.match(await message(join(folder, 'x.tar.gz')), /give a \.tar file or a folder/);
  assert.match(await message(join(folder, 'nowhere', 'x.tar')), /there is no folder .*; make it first/);
  assert.match(await message(folder), /exists already/);
});

test('the headers of cudnn-frontend travel where asked for', async () => {
  const include = join(folder, 'frontend');
  mkdirSync(join(include, 'cudnn_frontend'), { recursive: true });
  for (const name of ['cudnn_frontend.h', 'cudnn_frontend/graph.h', 'other.h']) {
    writeFileSync(join(include, name), '');
  }
  const env = { ...process.env, CUDNN_FRONTEND_INCLUDE: include };
  const { files } = await bundle([one], { out: join(folder, 'headers'), runtime, withHeaders: true, env });
  const carried = files.filter((name) => name.startsWith('third_party/'));
  assert.equal(
    carried,
    ['cudnn_frontend.h', 'cudnn_frontend/graph.h'].map(
      (name) => `third_party/cudnn-frontend/include/${name}`,
    ),
  );
});

test('measure.sh names wrong arguments', async () => {
  const { out } = await bundle([one, two], { out: join(folder, 'wrong'), runtime });
  for (const [args, message] of [
    [['--only', 'three'], /^error: --only: there is no program 'three'; this bundle has one two/],
    [['--jobs', '0'], /^error: --jobs: expected a number from 1, got '0'/],
    [['--results'], /^error: --results: expected a value/],
    [['--graph'], /^error: unknown argument '--graph'; arguments of the programs go behind --/],
  ] as const) {
    const { status, stderr } = shell(join(out, 'measure.sh'), args);
    assert.is(status, 2);
    assert.match(stderr, message);
  }
  const wrong = shell(join(out, 'measure.sh'), [], { env: { ...process.env, CHUNKFLOW_BACKEND: 'tpu' } });
  assert.match(wrong.stderr, /^error: CHUNKFLOW_BACKEND is 'tpu'/);
});

const whyNot = noCompiler();
const compiled = (name: string, body: () => Promise<void>) =>
  whyNot === null ? test(name, body) : skip(test, name, whyNot);
const env = { ...process.env, CHUNKFLOW_BACKEND: 'host' };

compiled(
  'measure.sh builds, runs and prints; a program that does not build keeps no other back',
  async () => {
    const broken = writeStubProgram(join(folder, 'broken'), {
      id: 'broken',
      source: 'int x = missing_name;\n',
    });
    const { out } = await bundle([broken, two], { out: join(folder, 'with space'), runtime });
    // Paths among the arguments begin where they were typed.
    writeFileSync(join(folder, 'given.safetensors'), '');
    const { status, stdout, stderr } = shell(
      join(out, 'measure.sh'),
      ['--results', 'res', '--', '--seed', '1', '--inputs', 'given.safetensors'],
      {
        env,
        cwd: folder,
      },
    );
    assert.is(status, 1);
    assert.match(stderr, /error: broken: does not build: .*program\.cpp:1:9: error: .*missing_name/);
    // Paths among the arguments begin where they were typed.
    assert.match(stderr, /measuring with 6 arguments/);
    assert.match(stderr, /inputs are there/);
    assert.match(
      stdout,
      /two: mirrored, 2026-11-23T21:00:00Z\nplan .*\nnone +eager +10\.000 +0\.010\n +yield|yield/,
    );
    const results = readResults(join(folder, 'res'), []);
    assert.equal(
      results.measurement.runs.map(({ run }) => run.program),
      ['two'],
    );
    assert.is(results.manifests.get('beef')!.id, 'two');

    const only = shell(join(out, 'measure.sh'), ['--only', 'two', '--results', 'more'], { env, cwd: folder });
    assert.is(only.status, 0, only.stderr);
    assert.ok(existsSync(join(folder, 'more', 'two.jsonl')));
    assert.not.ok(existsSync(join(folder, 'more', 'broken.build.log')));
  },
);

compiled(
  "a program that has arguments of its own is run with those, the others with the bundle's",
  async () => {
    const { out } = await bundle([one, two], {
      ...{ out: join(folder, 'own'), runtime, args: ['--rounds', '2', '--graph'] },
      argumentsOf: (id) => (id === 'two' ? ['--segments'] : null),
    });
    const { status, stderr } = shell(join(out, 'measure.sh'), ['--results', join(folder, 'own-results')], {
      env,
    });
    assert.is(status, 0, stderr);
    // The stub counts them, with --out and its file.
    const counted = (id: string) =>
      new RegExp(`${id}: measuring \\.\\.\\.\\nmeasuring with (\\d) arguments`).exec(stderr)?.[1];
    assert.equal([counted('one'), counted('two')], ['5', '3']);
    const given = shell(
      join(out, 'measure.sh'),
      ['--results', join(folder, 'own-given'), '--', '--seed', '1'],
      { env },
    );
    assert.is(given.stderr.match(/measuring with 4 arguments/g)?.length, 2);
  },
);

compiled('measure.sh says how many readings a calibration took', async () => {
  const [run, ...others] = runLines({ program: 'cases', fingerprint: 'cafe' });
  const end = others.at(-1)!;
  const lines = [
    run!,
    '{"record":"case","case":0}',
    '{"record":"case","case":1}',
    '{"record":"segment"}',
    end,
  ];
  const cases = writeStubProgram(join(folder, 'cases'), { id: 'cases', fingerprint: 'cafe', lines });
  const { out } = await bundle([cases], { out: join(folder, 'counted'), runtime });
  const { stdout } = shell(join(out, 'measure.sh'), [], { env });
  assert.match(stdout, /cases: mirrored, .*\n2 cases, each round counted\n1 segments\n/);
  assert.not.match(stdout, /nothing was measured/);
});

compiled('measure.sh says that a run has failed', async () => {
  const { out } = await bundle([one], { out: join(folder, 'failing'), runtime });
  const { status, stderr } = shell(join(out, 'measure.sh'), ['--', '--seed', '99'], { env });
  assert.is(status, 1);
  assert.match(stderr, /error: rank 0: the device is gone\nerror: one: ended with exit code 1/);
});

test.run();

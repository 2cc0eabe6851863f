import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { mutatedText, type PlantedMutant, planted } from './mutant.ts';
import { type MutantResult, runMutants } from './mutationRun.ts';
import { mutationReport } from './report.ts';

const rows = suite('rows of planted faults');

const row = (fields: Partial<PlantedMutant>): PlantedMutant => ({
  ...{ name: 'a.ts: a fault', file: 'a.ts', original: 'a + b', mutated: 'a - b', tests: [], reason: null },
  ...fields,
});

rows('the original text is replaced, as it stands', () => {
  assert.is(mutatedText('x = a + b;', row({ mutated: "'$&'" })), "x = '$&';");
});

for (const [what, text, fields, message] of [
  ['text that is not there', 'x = b + a;', {}, /occurs 0 times, expected once: "a \+ b"/],
  ['text that is there twice', 'a + b + (a + b)', {}, /occurs 2 times/],
  ['a change that is none', 'a + b', { mutated: 'a + b' }, /the mutated text is the original/],
] as const) {
  rows(`${what} is an error that names the mutant`, () => {
    assert.throws(() => mutatedText(text, row(fields)), message);
    assert.throws(() => mutatedText(text, row(fields)), /^a\.ts: a fault: /);
  });
}

rows("a mutant's own test files come before those of its group, each once", () => {
  const [first] = planted([
    {
      ...{ file: 'a.ts', tests: ['one', 'two'] },
      mutants: [{ breaks: 'it', original: 'a', mutated: 'b', tests: ['two', 'three'] }],
    },
  ]);
  assert.equal(first!.tests, ['two', 'three', 'one']);
  assert.is(first!.name, 'a.ts: it');
});

rows.run();

const reports = suite('report of a mutation run');

const result = (kind: 'killed' | 'survived' | 'invalid', reason: string | null = null): MutantResult => ({
  mutant: row({ reason }),
  fate:
    kind === 'killed'
      ? { kind, by: 'a.test.ts', why: 'failed' }
      : kind === 'invalid'
        ? { kind, message: 'no match' }
        : { kind },
  durationS: 1,
});
const killed = (count: number) => Array.from({ length: count }, () => result('killed'));

for (const [what, results, ok] of [
  ['all killed', killed(3), true],
  ['one of twenty survives for a reason', [...killed(19), result('survived', 'equivalent')], true],
  ['one of twenty survives without a reason', [...killed(19), result('survived')], false],
  ['one of nineteen survives: more than 5 %', [...killed(18), result('survived', 'equivalent')], false],
  ['a row does not match', [...killed(30), result('invalid')], false],
  [
    'a mutant is killed whose reason says that it survives',
    [...killed(30), result('killed', 'equivalent')],
    false,
  ],
] as const) {
  reports(`${what}: ${ok ? 'in order' : 'not in order'}`, () => assert.is(mutationReport(results).ok, ok));
}

reports('survivors by name and with their reasons', () => {
  const { lines, summary } = mutationReport([
    ...killed(1),
    result('survived', 'equivalent'),
    result('survived'),
  ]);
  assert.equal(lines, [
    'survived: a.ts: a fault (equivalent)',
    'survived: a.ts: a fault (no reason: a test is missing)',
  ]);
  assert.is(summary, '3 mutants: 1 killed, 2 survived (66.7 %), 0 invalid');
});

reports.run();

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-mutants-test-'));
const runs = suite('runs of planted faults in a copy');
runs.after(() => rmSync(folder, { recursive: true, force: true }));

/** A project of one function and its test, which runs as those of this project do. */
function tinyProject(): string {
  const root = join(folder, 'tiny');
  mkdirSync(join(root, 'test', 'support'), { recursive: true });
  for (const name of ['child.ts', 'cpuSeconds.ts', 'skip.ts'])
    cpSync(join(packageRoot, 'test', 'support', name), join(root, 'test', 'support', name));
  cpSync(join(packageRoot, 'bin', 'v8Flags.mjs'), join(root, 'bin', 'v8Flags.mjs'));
  symlinkSync(join(packageRoot, 'node_modules'), join(root, 'node_modules'), 'dir');
  writeFileSync(join(root, '.gitignore'), 'node_modules\n');
  writeFileSync(join(root, 'package.json'), '{"type": "module"}\n');
  writeFileSync(
    join(root, 'half.ts'),
    'export function half(of: number): number {\n  if (of < 0) return -half(-of);\n  return of / 2;\n}\n',
  );
  writeFileSync(
    join(root, 'test', 'half.test.ts'),
    `import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { half } from '../half.ts';
const test = suite('half');
test('of 4', () => assert.is(half(4), 2));
test.run();
`,
  );
  execFileSync('git', ['init', '-q'], { cwd: root });
  return root;
}

runs('each is killed, survives or is invalid, and the project stays as it is', async () => {
  const root = tinyProject();
  const before = readFileSync(join(root, 'half.ts'), 'utf8');
  const own = { file: 'half.ts', tests: ['test/half.test.ts'] };
  const mutants = [
    row({ ...own, name: 'wrong', original: 'of / 2', mutated: 'of * 2' }),
    row({ ...own, name: 'unseen', original: '-half(-of)', mutated: '0' }),
    row({ ...own, name: 'breaks off', original: 'of / 2', mutated: 'process.exit(3) as never' }),
    row({ ...own, name: 'recurses', original: 'of / 2', mutated: 'half(of)' }),
    row({ ...own, name: 'loops', original: 'return of / 2;', mutated: 'for (;;) ;' }),
    row({ ...own, name: 'gone', original: 'of / 3', mutated: 'of / 2' }),
  ];
  const progress: string[] = [];
  const results = await runMutants(mutants, {
    ...{ root, jobs: 2, hangsMs: 1000 },
    onProgress: (text) => progress.push(text),
  });
  const by = 'test/half.test.ts';
  assert.equal(
    results.map(({ mutant, fate }) => [mutant.name, fate.kind === 'invalid' ? { kind: fate.kind } : fate]),
    [
      ['wrong', { kind: 'killed', by, why: 'failed' }],
      ['unseen', { kind: 'survived' }],
      ['breaks off', { kind: 'killed', by, why: 'ended early' }],
      // The stack ends, which fails the test.
      ['recurses', { kind: 'killed', by, why: 'failed' }],
      ['loops', { kind: 'killed', by, why: 'hung' }],
      ['gone', { kind: 'invalid' }],
    ],
  );
  assert.is(readFileSync(join(root, 'half.ts'), 'utf8'), before);
  assert.is(progress.length, 1 + mutants.length);
});

runs('a test that fails without a mutant ends the run: it would kill them all', async () => {
  const root = join(folder, 'tiny');
  writeFileSync(join(root, 'half.ts'), 'export const half = (of: number) => of;\n');
  const mutant = row({ file: 'half.ts', original: '=> of', mutated: '=> 0', tests: ['test/half.test.ts'] });
  let message = '';
  try {
    await runMutants([mutant], { root, jobs: 1 });
  } catch (error) {
    message = (error as Error).message;
  }
  assert.match(message, /test\/half\.test\.ts fails without a mutant \(failed\)/);
});

runs.run();

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { generateCalibration } from '../../codegen/calibration/generateCalibration.ts';
import type { Generated } from '../../codegen/generate.ts';
import { sourceCommit } from '../../codegen/sourceCommit.ts';
import { loadSystem } from '../../model/system/load.ts';
import { GOLDEN, generateScenario } from './scenarios.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-commit-'));
const test = suite('the commit that generates');
test.after(() => rmSync(folder, { recursive: true, force: true }));

function place(name: string, files: Record<string, string> = {}): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'dist'), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, file), text);
  return root;
}

/** A repository with one commit, and that commit. */
function repository(name: string): { root: string; commit: string } {
  const root = place(name, { 'a.ts': 'one\n' });
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      encoding: 'utf8',
    });
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'one');
  return { root, commit: git('rev-parse', 'HEAD').trim() };
}

test('a checkout has its own, and says whether tracked files differ', () => {
  const { root, commit } = repository('clean');
  writeFileSync(join(root, 'untracked'), '');
  assert.is(sourceCommit(root), commit);
  const changed = repository('changed');
  writeFileSync(join(changed.root, 'a.ts'), 'two\n');
  assert.is(sourceCommit(changed.root), `${changed.commit}-dirty`);
});

test('a package has that of its build, and none from a repository that it merely lies in', () => {
  const { root } = repository('of-the-user');
  const commit = `${'ab'.repeat(20)}-dirty`;
  assert.is(sourceCommit(place('of-the-user/built', { 'dist/commit': `${commit}\n` })), commit);
  assert.is(sourceCommit(place('of-the-user/unknown')), null);
  assert.is(sourceCommit(place('odd', { 'dist/commit': 'main\n' })), null);
  assert.match(sourceCommit(root)!, /^[0-9a-f]{40}$/);
});

const textsOf = ({ files }: Generated) => new Map(files.map(({ name, text }) => [name, text]));

for (const [what, generated, program] of [
  ['a program', (commit: string) => generateScenario({ ...GOLDEN, commit }), 'program.cpp'],
  [
    'a calibration',
    (commit: string) => generateCalibration(loadSystem('h200-x1'), 2, { quick: true, commit }),
    'calibration.cpp',
  ],
] as const) {
  test(`${what}: another commit leaves its fingerprint, so that what is measured stays so`, () => {
    const [one, other] = ['1'.repeat(40), `${'2'.repeat(40)}-dirty`];
    const [first, second] = [generated(one), generated(other)];
    assert.is(first.manifest.fingerprint, second.manifest.fingerprint);
    assert.equal([first.manifest.commit, second.manifest.commit], [one, other]);
    const [texts, others] = [textsOf(first), textsOf(second)];
    assert.equal(
      [...texts].filter(([name, text]) => others.get(name) !== text).map(([name]) => name),
      [program, 'manifest.json'].sort((a, b) => (a === 'manifest.json' ? 1 : b === 'manifest.json' ? -1 : 0)),
    );
    assert.is(texts.get(program)!.replace(one, other), others.get(program));
  });
}

test.run();

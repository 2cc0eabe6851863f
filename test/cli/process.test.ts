import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';

const MAIN = join(packageRoot, 'cli', 'main.ts');
const test = suite('process');

function chunkflow(args: readonly string[]) {
  return spawnSync(process.execPath, ['--import', 'tsx', MAIN, ...args], {
    encoding: 'utf8',
    cwd: packageRoot,
  });
}

test('results go to stdout, exit code 0', () => {
  const { status, stdout, stderr } = chunkflow(['--version']);
  assert.is(status, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  assert.is(stderr, '');
});

test('a mistake goes to stderr in one line, exit code 2', () => {
  const { status, stdout, stderr } = chunkflow(['predict', '--model', 'nope', '--machine', 'h200-x1']);
  assert.is(status, 2);
  assert.is(stdout, '');
  assert.match(stderr, /^error: model "nope": [^\n]+\n$/);
});

test('a reader that stops early is no error', () => {
  const command = `"${process.execPath}" --import tsx "${MAIN}" machines --json | head -n 1`;
  const { stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', command], {
    encoding: 'utf8',
    cwd: packageRoot,
  });
  assert.is(stdout, '{\n');
  assert.is(stderr, '');
});

test.run();

import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { OWN_CLI, runOwnCli } from '../support/ownCli.ts';

const test = suite('process');

test('results go to stdout, exit code 0', () => {
  const { code, stdout, stderr } = runOwnCli(['--version']);
  assert.is(code, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  assert.is(stderr, '');
});

test('a mistake goes to stderr in one line, exit code 2', () => {
  const { code, stdout, stderr } = runOwnCli(['predict', '--model', 'nope', '--machine', 'h200-x1']);
  assert.is(code, 2);
  assert.is(stdout, '');
  assert.match(stderr, /^error: model "nope": [^\n]+\n$/);
});

test('a reader that stops early is no error', () => {
  const words = [process.execPath, ...OWN_CLI, 'machines', '--json'];
  const command = `${words.map((word) => `"${word}"`).join(' ')} | head -n 1`;
  const { stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', command], {
    encoding: 'utf8',
    cwd: packageRoot,
  });
  assert.is(stdout, '{\n');
  assert.is(stderr, '');
});

test.run();

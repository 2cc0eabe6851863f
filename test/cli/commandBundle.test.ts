import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { runCli } from '../support/runCli.ts';
import { skip } from '../support/skip.ts';

const COMMAND = join(packageRoot, 'bin', 'chunkflow.mjs');
const LOADER = pathToFileURL(join(packageRoot, 'bin', 'load.mjs')).href;
const isBuilt = existsSync(join(packageRoot, 'dist', 'command', 'chunkflow.cjs'));
const test = suite('the bundle of the usual commands');

const node = (args: readonly string[]) => spawnSync(process.execPath, args, { encoding: 'utf8' });

const SCENARIO = ['--model', 'wan2.1-t2v-1.3b', '--machine', 'h200-x2', '--size', '480x320x17'];
const CASES: readonly string[][] = [
  ['predict', ...SCENARIO, '--json'],
  ['simulate', ...SCENARIO, '--plan', 'yield', '--json'],
  ['plan', ...SCENARIO, '--nominal', '--json'],
  ['machines'],
];

if (!isBuilt) skip(test, 'all', 'dist/ has no bundle; `npm run build` makes it');
else {
  for (const args of CASES) {
    test(`${args[0]} answers as the sources do, to the byte`, async () => {
      const { status, stdout } = node([COMMAND, ...args]);
      const own = await runCli(args);
      assert.is(status, own.code);
      assert.is(stdout, own.stdout);
    });
  }

  test('a mistake is one line, in a bundled command and in one that is loaded as modules', () => {
    for (const command of ['predict', 'generate']) {
      const { status, stdout, stderr } = node([COMMAND, command, '--model', 'nope', '--machine', 'h200-x1']);
      assert.is(status, 2);
      assert.is(stdout, '');
      assert.match(stderr, /^error: [^\n]+\n$/);
    }
  });

  test('is compiled from its cache', () => {
    const program = `import { load } from '${LOADER}'; console.log(load().script.cachedDataRejected);`;
    const { stdout, stderr } = node(['--input-type=module', '-e', program]);
    assert.is(stdout, 'false\n', stderr);
  });
}

test.run();

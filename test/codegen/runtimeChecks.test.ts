import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { noCompiler } from '../support/compilers.ts';
import { skip } from '../support/skip.ts';

/** The runtime's own checks of its parts, on CPU cores; the same programs check a GPU where there is one. */
const CHECKS = [
  'arena_checks',
  'compute_checks',
  'group_checks',
  'host_checks',
  'lobby_checks',
  'secret_checks',
  'transport_checks',
  'weights_checks',
];
const BUILD = join('out', 'test', 'runtime-checks');

const checks = suite("the runtime's own checks on the host backend");
const why = noCompiler();

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  assert.is(status, 0, `${command} ${args.join(' ')}: ${error?.message ?? ''}\n${stdout}\n${stderr}`);
  return stdout;
}

if (why !== null) skip(checks, 'build and hold', why);
else {
  rmSync(BUILD, { recursive: true, force: true });
  mkdirSync(BUILD, { recursive: true });
  const options = ['-DCHUNKFLOW_BACKEND=host', '-DCHUNKFLOW_CHECKS=ON', '-DCMAKE_BUILD_TYPE=Release'];

  checks('build', () => {
    run('cmake', ['-S', join(packageRoot, 'runtime'), '-B', BUILD, ...options]);
    run('cmake', ['--build', BUILD, '--parallel', '2', '--target', ...CHECKS]);
  });

  for (const name of CHECKS) {
    checks(`${name} hold`, () => {
      const printed = run(join(BUILD, name), []).trim().split('\n');
      assert.ok(printed.filter((line) => line.startsWith('ok ')).length > 3, printed.join('\n'));
    });
  }
}

checks.run();

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';

interface CudaWheels {
  WHEELS: readonly string[];
  cudaWheels(options: object): { ok: true; root: string } | { ok: false; why: string };
}

const SCRIPT = join(packageRoot, 'scripts', 'cuda-wheels.mjs');
const { WHEELS, cudaWheels }: CudaWheels = await import(pathToFileURL(SCRIPT).href);

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-wheels-'));
const test = suite('CUDA wheels');
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** A virtual environment as pip leaves it behind, as far as its records go. */
function environment(name: string, wheels: readonly string[]): string {
  const root = join(folder, name);
  for (const wheel of wheels) {
    const record = `${wheel.replaceAll('-', '_').replace('==', '-')}.dist-info`;
    mkdirSync(join(root, 'lib', 'python3.12', 'site-packages', record), { recursive: true });
  }
  return root;
}

test('every version is exact', () => {
  for (const wheel of WHEELS) assert.match(wheel, /^nvidia-[a-z0-9-]+==\d+(\.\d+)+$/);
});

test('an environment with all of them is left alone', () => {
  const root = environment('full', WHEELS);
  assert.equal(cudaWheels({ root, python: 'no-python-is-called' }), { ok: true, root });
});

test('--check names what is missing or of another version, and installs nothing', () => {
  const [first, second, ...rest] = WHEELS;
  const root = environment('partial', [`${second!.split('==')[0]}==1.0`, ...rest]);
  const result = cudaWheels({ root, check: true });
  assert.is(result.ok, false);
  assert.ok('why' in result && result.why.endsWith(`lacks ${first}, ${second}; run: npm run cuda-wheels`));
});

test('without Python there is one line that says how to get it', () => {
  const result = cudaWheels({ root: join(folder, 'new'), python: 'no-such-python' });
  const why =
    'no-such-python -m venv failed (there is no no-such-python); get it: sudo apt-get install python3-venv';
  assert.equal(result, { ok: false, why });
});

test('a wrong argument of the script', () => {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, '--force'], { encoding: 'utf8' });
  assert.is(status, 2);
  assert.is(stderr, 'error: unknown argument "--force"; expected --check or nothing\n');
});

test.run();

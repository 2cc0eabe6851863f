import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../model/input/packageFiles.ts';
import { installPython, PACKAGES } from '../scripts/python.mjs';

const environment = suite('the environment that tests the Python package');
const root = mkdtempSync(join(tmpdir(), 'chunkflow-python-'));
environment.after(() => rmSync(root, { recursive: true }));

environment('versions are exact', () => {
  for (const name of PACKAGES) assert.match(name, /^[a-z0-9_]+==\d+(\.\d+)+$/);
});

environment('what is there already is not installed again', () => {
  const there = join(root, 'there');
  for (const name of PACKAGES)
    mkdirSync(join(there, 'lib', 'python3.11', 'site-packages', `${name.replace('==', '-')}.dist-info`), {
      recursive: true,
    });
  const said: string[] = [];
  const result = installPython({ root: there, python: 'no-such-python', say: (text) => said.push(text) });
  assert.equal(result, { ok: true, python: join(there, 'bin', 'python') });
  assert.equal(said, []);
});

environment('without Python, what is missing and how to get it is said in one line', () => {
  const result = installPython({ root: join(root, 'none'), python: 'no-such-python' });
  assert.is(result.ok, false);
  const why = result.ok ? '' : result.why;
  assert.match(
    why,
    /^no-such-python -m venv failed \(there is no no-such-python\); get it: sudo apt-get install python3-venv; /,
  );
  assert.is(why.split('\n').length, 1);
});

environment('where pip fails, its last line is passed on', () => {
  const broken = join(root, 'broken');
  mkdirSync(join(broken, 'bin'), { recursive: true });
  writeFileSync(
    join(broken, 'bin', 'python'),
    '#!/bin/sh\necho "Looking" >&2\necho "no index today" >&2\nexit 1\n',
    {
      mode: 0o755,
    },
  );
  const result = installPython({ root: broken, python: 'no-such-python' });
  assert.match(
    result.ok ? '' : result.why,
    /^pip could not install torch==.* \(no index today\); it takes Python 3\.10/,
  );
});

environment('the package asks for PyTorch and leaves its version to the user', () => {
  const project = join(packageRoot, 'python', 'pyproject.toml');
  assert.ok(existsSync(project));
  assert.match(readFileSync(project, 'utf8'), /^dependencies = \["torch"\]$/m);
});

environment.run();

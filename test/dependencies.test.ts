import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../model/input/packageFiles.ts';
import { trackedFiles } from './support/trackedFiles.ts';

const test = suite('dependencies');

test('docs/dependencies.md has what its script prints', () => {
  const printed = execFileSync('npx', ['tsx', 'scripts/dependencies.ts'], {
    cwd: packageRoot,
    encoding: 'utf8',
  });
  assert.ok(printed.length > 1000);
  assert.ok(readFileSync(join(packageRoot, 'docs/dependencies.md'), 'utf8').endsWith(printed));
});

/** Not imported by name: types that the compiler finds by itself, and headers that the native build asks for. */
const USED_OTHERWISE: Readonly<Record<string, string>> = { '@types/node': 'tsconfig.json' };

test('every dependency is in use', () => {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(packageRoot, 'package.json'), 'utf8'),
  ) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
  const sources = trackedFiles(packageRoot).filter(
    (file) =>
      /\.(ts|tsx|mts|mjs|js|json|txt|sh)$|CMakeLists\.txt$|\.ci\/run$/.test(file) &&
      !/^(package(-lock)?\.json|docs\/)/.test(file) &&
      !file.startsWith('experiments/') &&
      file !== 'test/dependencies.test.ts',
  );
  const texts = sources.map((file) => readFileSync(join(packageRoot, file), 'utf8'));
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    // Types are used where their package is.
    const bare = name.replace(/^@(biomejs|types)\//, '');
    const used = new RegExp(`(['"/ ]|\\.bin/)${bare}(['"/ ])`);
    const elsewhere = USED_OTHERWISE[name];
    const found =
      elsewhere === undefined
        ? texts.some((text) => used.test(text))
        : readFileSync(join(packageRoot, elsewhere), 'utf8').includes('node');
    assert.ok(found, `${name} is used nowhere; remove it`);
  }
});

test.run();

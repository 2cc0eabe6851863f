import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { mutatedText, planted } from './mutant.ts';
import { MUTANTS } from './table.ts';

/** The transformer that tsx runs sources through: what it cannot parse would count as killed, and prove nothing. */
const require = createRequire(import.meta.url);
const { transformSync } = createRequire(require.resolve('tsx/package.json'))('esbuild') as {
  transformSync: (text: string, options: { loader: 'ts' }) => { code: string };
};

const test = suite('planted faults');
const mutants = planted(MUTANTS);
const textOf = (file: string) => readFileSync(join(packageRoot, file), 'utf8');

test('there are at least 60, each with a name of its own', () => {
  assert.ok(mutants.length >= 60, String(mutants.length));
  const names = mutants.map(({ name }) => name);
  assert.equal(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
});

for (const file of [...new Set(mutants.map((mutant) => mutant.file))]) {
  test(`${file}: each row occurs once in it, and it parses with the change made`, () => {
    const text = textOf(file);
    const unchanged = transformSync(text, { loader: 'ts' }).code;
    for (const mutant of mutants.filter((one) => one.file === file)) {
      const { code } = transformSync(mutatedText(text, mutant), { loader: 'ts' });
      assert.is.not(code, unchanged, `${mutant.name}: changes types or comments alone`);
    }
  });
}

test('every row names test files that there are', () => {
  const named = [...new Set(mutants.flatMap(({ tests }) => tests))];
  assert.equal(
    named.filter((file) => !existsSync(join(packageRoot, file))),
    [],
  );
  assert.ok(mutants.every(({ tests }) => tests.length > 0));
});

test.run();

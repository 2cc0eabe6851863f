import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as library from '../../library/index.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';

interface Example {
  file: string;
  code: string;
}

const FOLDER = join(packageRoot, 'library');
const EXAMPLES: readonly Example[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) =>
    [...readFileSync(join(FOLDER, file), 'utf8').matchAll(/^ \* @example\n((?: \* .*\n)+?) \*\//gm)].map(
      ([, lines]) => ({ file, code: lines!.replace(/^ \* /gm, '') }),
    ),
  );

const AsyncFunction = (async () => {}).constructor as new (
  ...args: string[]
) => (...values: unknown[]) => Promise<void>;

/** Runs an example from the project's folder. Returns what it prints. */
async function printed({ code }: Example): Promise<unknown[]> {
  const values: unknown[] = [];
  const names = Object.keys(library);
  const run = new AsyncFunction(...names, 'console', code);
  await run(...Object.values(library), { log: (...args: unknown[]) => values.push(...args) });
  return values;
}

test('every function has an example', () => {
  const functions = Object.entries(library).filter(
    ([name, value]) => typeof value === 'function' && name !== 'UserError',
  );
  const shown = new Set(EXAMPLES.map(({ file }) => file.replace('.ts', '')));
  assert.equal([...shown].sort(), functions.map(([name]) => name).sort());
});

for (const example of EXAMPLES) {
  test(`the example of ${example.file} runs and prints values`, async () => {
    const values = await printed(example);
    assert.ok(values.length > 0, example.code);
    // A field that the documents lack would be undefined, a wrong one not a number.
    for (const value of values) assert.ok(value !== undefined && !Number.isNaN(value), example.code);
  });
}

test('a mistake is one line with its remedy', () => {
  assert.throws(
    () => library.predict({ model: 'wan2.1-t2v-15b', machine: 'h200-x2' }),
    (error: unknown) => error instanceof library.UserError && /near are wan2.1-t2v-14b/.test(error.message),
  );
});

test('the package is imported by its name', () => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      "import * as all from 'chunkflow'; console.log(Object.keys(all).sort().join());",
    ],
    { cwd: packageRoot, encoding: 'utf8' },
  );
  assert.is(stdout.trim(), Object.keys(library).sort().join(), stderr);
});

test.run();

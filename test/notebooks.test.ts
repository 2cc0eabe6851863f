import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../model/input/packageFiles.ts';
import { installJupyter } from '../scripts/jupyter.mjs';
import { skip } from './support/skip.ts';

interface Output {
  output_type: string;
  ename?: string;
  data?: Record<string, string | string[]>;
}

interface Notebook {
  metadata: { kernelspec: { name: string } };
  cells: { cell_type: string; source: string[]; outputs?: Output[] }[];
}

const folder = join(packageRoot, 'notebooks');
const notebooks = suite('notebooks, executed from clean');
const installed = installJupyter({ say: (text) => process.stderr.write(`${text}\n`) });
const jupyter = installed.ok ? installed.jupyter : '';

/** Executions before missing outputs count as a failure: the kernel's sending thread races the end of a cell (display.ts). */
const ATTEMPTS = 3;

/** Executes a notebook, again where it succeeds with fewer outputs than it has cells that show something. */
function executed(name: string, attempt = 1) {
  const out = mkdtempSync(join(tmpdir(), 'chunkflow-notebook-'));
  const args = ['nbconvert', '--to', 'notebook', '--execute', join(folder, name), '--output-dir', out];
  const run = spawnSync(jupyter, [...args, '--ExecutePreprocessor.timeout=1200'], {
    encoding: 'utf8',
    // Nothing of a user's own set-up decides what happens.
    env: { ...process.env, JUPYTER_CONFIG_DIR: out, JUPYTER_DATA_DIR: out, JUPYTER_RUNTIME_DIR: out },
  });
  const cells = run.status === 0 ? readNotebook(join(out, name)).cells : [];
  const outputs = cells.flatMap((cell) => cell.outputs ?? []);
  const shown = readNotebook(join(folder, name)).cells.filter(({ source }) =>
    /^await show/m.test(source.join('')),
  );
  if (run.status === 0 && outputs.length < shown.length && attempt < ATTEMPTS) {
    process.stderr.write(
      `${name}: the kernel lost ${shown.length - outputs.length} outputs; executing it again\n`,
    );
    return executed(name, attempt + 1);
  }
  return { run, outputs };
}

function readNotebook(path: string): Notebook {
  return JSON.parse(readFileSync(path, 'utf8')) as Notebook;
}

if (!installed.ok) {
  skip(notebooks, 'every notebook runs from clean', installed.why);
} else {
  // Those in Python are executed by the Python package's tests.
  const inTypeScript = (file: string) =>
    file.endsWith('.ipynb') && readNotebook(join(folder, file)).metadata.kernelspec.name === 'deno';
  for (const name of readdirSync(folder).filter(inTypeScript)) {
    const { run, outputs } = executed(name);

    notebooks(`${name}: no cell fails`, () => assert.is(run.status, 0, run.stderr));

    notebooks(`${name}: tables and charts come out`, () => {
      const of = (type: string) =>
        outputs.map(({ data }) => data?.[type]).filter((form) => form !== undefined);
      const text = (value: string | string[]) => (Array.isArray(value) ? value.join('') : value);
      const tables = of('text/markdown').map(text);
      assert.is(tables.length, 2);
      // What `validate` prints for the same steps.
      assert.match(tables[1]!, /\| all \| 552 \| 1\.1 \|/);
      const charts = of('image/svg+xml').map(text);
      assert.is(charts.length, 2);
      assert.ok(charts[0]!.includes('552 steps on NVIDIA H200') && charts[1]!.includes('>measured: '));
    });
  }
}

notebooks.run();

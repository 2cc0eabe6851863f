import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { installJupyter } from '../scripts/jupyter.mjs';
import { execute, notebooksOf } from '../scripts/notebooks.mjs';
import { skip } from './support/skip.ts';

interface Output {
  output_type: string;
  text?: string | string[];
  data?: Record<string, string | string[]>;
}

interface Cell {
  cell_type: string;
  source: string | string[];
  outputs?: Output[];
}

const notebooks = suite('notebooks, executed from clean');
const installed = installJupyter({ say: (text) => process.stderr.write(`${text}\n`) });

/** Executions before missing outputs count as a failure: the kernel's sending thread races the end of a cell (display.ts). */
const ATTEMPTS = 3;

const joined = (text: string | string[]) => (Array.isArray(text) ? text.join('') : text);
const cellsOf = (path: string) => (JSON.parse(readFileSync(path, 'utf8')) as { cells: Cell[] }).cells;
/** What a notebook shows, by media type, and what it prints. */
const formsOf = (cells: readonly Cell[]) =>
  cells.flatMap(({ outputs = [] }) =>
    outputs.map(({ output_type, data = {} }) =>
      output_type === 'stream' ? 'stream' : Object.keys(data).sort()[0],
    ),
  );

/** Tables whose numbers are measured anew at each execution. */
const MEASURED = new Set(['2-run.ipynb']);

/** Executes a notebook, again where it succeeds with fewer outputs than are committed with it. */
function executed(notebook: string, attempt = 1): { status: number | null; stderr: string; cells: Cell[] } {
  const out = mkdtempSync(join(tmpdir(), 'chunkflow-notebook-'));
  const { status, stderr, file } = execute(notebook, out);
  const cells = status === 0 ? cellsOf(file) : [];
  rmSync(out, { recursive: true, force: true });
  const lost = formsOf(cellsOf(notebook)).length - formsOf(cells).length;
  if (status !== 0 || lost <= 0 || attempt === ATTEMPTS) return { status, stderr, cells };
  process.stderr.write(`${basename(notebook)}: the kernel lost ${lost} outputs; executing it again\n`);
  return executed(notebook, attempt + 1);
}

if (!installed.ok) {
  skip(notebooks, 'every notebook runs from clean', installed.why);
} else {
  // Those in Python are executed by the Python package's tests.
  for (const notebook of notebooksOf('typescript')) {
    const name = basename(notebook);
    const { status, stderr, cells } = executed(notebook);

    notebooks(`${name}: no cell fails`, () => assert.is(status, 0, stderr));

    notebooks(`${name}: what is committed comes out`, () => {
      const committed = cellsOf(notebook);
      assert.ok(formsOf(committed).length > 0);
      assert.equal(formsOf(cells), formsOf(committed));
      const tables = (of: readonly Cell[]) =>
        of.flatMap(({ outputs = [] }) =>
          outputs.flatMap(({ data }) => joined(data?.['text/markdown'] ?? [])),
        );
      if (!MEASURED.has(name)) assert.equal(tables(cells), tables(committed));
      // Same bits, whatever the times.
      else assert.not.match(tables(cells).join(''), /\| no \|/);
    });
  }
}

notebooks.run();

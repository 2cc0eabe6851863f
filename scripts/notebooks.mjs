// Executes every notebook from clean and writes its outputs into it: `npm run notebooks`, or with names to execute only those.
// Plain Node without dependencies.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installJupyter } from './jupyter.mjs';
import { installPython } from './python.mjs';

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
const NOTEBOOKS = join(PROJECT, 'notebooks');

/** Every notebook, as a path. */
export function notebooksOf(language) {
  const folder = join(NOTEBOOKS, language);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ipynb'))
    .sort()
    .map((name) => join(folder, name));
}

/**
 * Executes a notebook where it lies, so that what it reads beside itself is found, into a folder.
 *
 * @param {string} notebook
 * @param {string} out folder
 * @returns {{ status: number | null, stderr: string, file: string }} the executed notebook.
 */
export function execute(notebook, out) {
  const isPython = notebook.includes(`${join('notebooks', 'python')}`);
  const say = (text) => process.stderr.write(`${text}\n`);
  const installed = isPython ? installPython({ say }) : installJupyter({ say });
  if (!installed.ok) return { status: 1, stderr: installed.why, file: '' };
  const file = join(out, basename(notebook));
  const settings = ['timeout=1200', 'record_timing=False'].map((one) => `--ExecutePreprocessor.${one}`);
  const [command, args] = isPython
    ? [installed.python, [join(PROJECT, 'scripts', 'execute-notebook.py'), notebook, file]]
    : [
        installed.jupyter,
        ['nbconvert', '--to', 'notebook', '--execute', notebook, '--output-dir', out, ...settings],
      ];
  const settled = mkdtempSync(join(tmpdir(), 'chunkflow-jupyter-'));
  const { status, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    // Nothing of a user's own set-up decides what happens, and no other release of the package is taken for this one.
    env: {
      ...process.env,
      ...{
        JUPYTER_CONFIG_DIR: settled,
        JUPYTER_DATA_DIR: settled,
        JUPYTER_RUNTIME_DIR: settled,
        IPYTHONDIR: settled,
      },
      ...{
        PYTHONPATH: join(PROJECT, 'python'),
        PATH: `${join(PROJECT, '.python', 'bin')}:${process.env.PATH}`,
      },
    },
  });
  rmSync(settled, { recursive: true, force: true });
  return { status, stderr: error?.message ?? stderr, file };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = process.argv.slice(2);
  const all = [...notebooksOf('typescript'), ...notebooksOf('python')];
  const out = mkdtempSync(join(tmpdir(), 'chunkflow-notebook-'));
  for (const notebook of all.filter(
    (path) => wanted.length === 0 || wanted.some((name) => path.includes(name)),
  )) {
    const began = Date.now();
    const { status, stderr, file } = execute(notebook, out);
    const seconds = ((Date.now() - began) / 1000).toFixed(0);
    if (status === 0) {
      // The environment's name and release are no part of what a notebook says.
      const executed = JSON.parse(readFileSync(file, 'utf8'));
      const { metadata } = JSON.parse(readFileSync(notebook, 'utf8'));
      writeFileSync(notebook, `${JSON.stringify({ ...executed, metadata }, null, 1)}\n`);
    } else process.exitCode = 1;
    process.stdout.write(
      `${notebook}: ${status === 0 ? `${seconds} s` : stderr.trim().split('\n').slice(-5).join('\n')}\n`,
    );
  }
  rmSync(out, { recursive: true, force: true });
}

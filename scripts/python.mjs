// Installs what tests the Python package into .python. PyTorch with its CUDA parts is about 6 GB and takes one to two minutes.
// Plain Node without dependencies.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './python-packages.mjs';

/** Exact versions: what it is tested with here. */
export const PACKAGES = [
  'torch==2.11.0',
  'numpy==2.4.6',
  'torchao==0.18.0',
  'diffusers==0.42.1',
  'pytest==9.2.0',
  'hypothesis==6.170.17',
  'mypy==2.4.1',
  'ruff==0.17.6',
  'nbclient==0.11.0',
  'ipykernel==7.4.0',
  'pandas==3.1.1',
  'pyarrow==26.0.1',
];

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Brings the folder up to date.
 *
 * @param {{ root?: string, python?: string, say?: (text: string) => void }} options
 * @returns {{ ok: true, python: string } | { ok: false, why: string }} the interpreter that has them.
 */
export function installPython({ root = join(PROJECT, '.python'), python = 'python3', say = () => {} } = {}) {
  const why = installPackages({ root, packages: PACKAGES, python, say });
  if (why !== null)
    return {
      ok: false,
      why: `${why}; it takes Python 3.10 or newer, 8 GB of disk and a Python package index`,
    };
  return { ok: true, python: join(root, 'bin', 'python') };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = installPython({ say: (text) => process.stderr.write(`${text}\n`) });
  process.stdout.write(result.ok ? `${result.python}\n` : `error: ${result.why}\n`);
  process.exitCode = result.ok ? 0 : 1;
}

// Installs Jupyter's parts that execute notebooks into .jupyter, with a kernel that runs TypeScript: Deno's, which is one of
// the project's npm packages. Plain Node without dependencies.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './python-packages.mjs';

/** Exact versions: what it is tested with here. */
export const PACKAGES = ['nbconvert==7.17.2', 'nbclient==0.11.0', 'jupyter_client==8.10.0'];

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Brings the folder up to date.
 *
 * @param {{ root?: string, python?: string, say?: (text: string) => void }} options
 * @returns {{ ok: true, jupyter: string } | { ok: false, why: string }} the command that executes notebooks.
 */
export function installJupyter({
  root = join(PROJECT, '.jupyter'),
  python = 'python3',
  say = () => {},
} = {}) {
  const deno = join(PROJECT, 'node_modules', '.bin', 'deno');
  if (!existsSync(deno)) return { ok: false, why: `${deno} is missing; run: npm ci` };
  const why = installPackages({ root, packages: PACKAGES, python, say });
  if (why !== null) return { ok: false, why };
  const kernel = join(root, 'share', 'jupyter', 'kernels', 'deno');
  mkdirSync(kernel, { recursive: true });
  writeFileSync(
    join(kernel, 'kernel.json'),
    JSON.stringify({
      argv: [deno, 'jupyter', '--kernel', '--conn', '{connection_file}'],
      display_name: 'Deno',
      language: 'typescript',
    }),
  );
  return { ok: true, jupyter: join(root, 'bin', 'jupyter') };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = installJupyter({ say: (text) => process.stderr.write(`${text}\n`) });
  process.stdout.write(result.ok ? `${result.jupyter}\n` : `error: ${result.why}\n`);
  process.exitCode = result.ok ? 0 : 1;
}

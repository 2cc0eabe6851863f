// Installs Jupyter's parts that execute notebooks into .jupyter, with a kernel that runs TypeScript: Deno's, which is one of
// the project's npm packages. Plain Node without dependencies.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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
  const missing = missingPackages(root);
  if (missing.length > 0) {
    say(`installing ${missing.join(', ')} into ${root} ...`);
    const pip = join(root, 'bin', 'python');
    if (!existsSync(pip)) {
      const why = run(python, ['-m', 'venv', root]);
      if (why !== null)
        return {
          ok: false,
          why: `${python} -m venv failed (${why}); get it: sudo apt-get install python3-venv`,
        };
    }
    const why = run(pip, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...missing]);
    if (why !== null) return { ok: false, why: `pip could not install Jupyter (${why})` };
  }
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

function missingPackages(root) {
  const lib = join(root, 'lib');
  const pythons = existsSync(lib) ? readdirSync(lib).filter((name) => name.startsWith('python3')) : [];
  const there = new Set(
    pythons
      .flatMap((name) => readdirSync(join(lib, name, 'site-packages')))
      .filter((name) => name.endsWith('.dist-info'))
      .map((name) => name.slice(0, -'.dist-info'.length).replace('-', '==')),
  );
  return PACKAGES.filter((name) => !there.has(name));
}

function run(command, args) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error) return error.message;
  return status === 0 ? null : (stderr.trim().split('\n').at(-1) ?? `exit code ${status}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = installJupyter({ say: (text) => process.stderr.write(`${text}\n`) });
  process.stdout.write(result.ok ? `${result.jupyter}\n` : `error: ${result.why}\n`);
  process.exitCode = result.ok ? 0 : 1;
}

// Installs exact versions of Python packages into a folder's own environment. Plain Node without dependencies.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Brings the environment up to date; what is there already is left alone.
 *
 * @param {{ root: string, packages: readonly string[], python: string, say: (text: string) => void }} options
 *   packages as `name==version`.
 * @returns {string | null} why it could not, with the way out.
 */
export function installPackages({ root, packages, python, say }) {
  const missing = missingPackages(root, packages);
  if (missing.length === 0) return null;
  say(`installing ${missing.join(', ')} into ${root} ...`);
  const pip = join(root, 'bin', 'python');
  if (!existsSync(pip)) {
    const why = run(python, ['-m', 'venv', root]);
    if (why !== null) return `${python} -m venv failed (${why}); get it: sudo apt-get install python3-venv`;
  }
  const why = run(pip, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...missing]);
  return why === null ? null : `pip could not install ${missing.join(', ')} (${why})`;
}

function missingPackages(root, packages) {
  const lib = join(root, 'lib');
  const pythons = existsSync(lib) ? readdirSync(lib).filter((name) => name.startsWith('python3')) : [];
  const there = new Set(
    pythons
      .flatMap((name) => readdirSync(join(lib, name, 'site-packages')))
      .filter((name) => name.endsWith('.dist-info'))
      .map((name) => name.slice(0, -'.dist-info'.length).replace('-', '==')),
  );
  return packages.filter((name) => !there.has(name));
}

function run(command, args) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error) return error.message;
  return status === 0 ? null : (stderr.trim().split('\n').at(-1) ?? `exit code ${status}`);
}

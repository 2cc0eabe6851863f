// Installs exact versions of Python packages into a folder's own environment. Plain Node without dependencies.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './programs.mjs';

/** Installs several gigabytes in a fraction of pip's CPU time. Where it does not install, pip does everything. */
const UV = 'uv==0.13.9';
/** Of pip's settings those that say where packages come from, as uv reads them. */
const UV_VARIABLES = {
  'index-url': 'UV_DEFAULT_INDEX',
  'extra-index-url': 'UV_INDEX',
  'find-links': 'UV_FIND_LINKS',
  'trusted-host': 'UV_INSECURE_HOST',
  cert: 'SSL_CERT_FILE',
  timeout: 'UV_HTTP_TIMEOUT',
  'default-timeout': 'UV_HTTP_TIMEOUT',
};
/** Of pip's settings those that change nothing of what is installed. */
const IRRELEVANT = new Set(['disable-pip-version-check', 'cache-dir', 'progress-bar', 'quiet', 'no-input']);
const PIP = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
const LOOK_AGAIN_MS = 300;

/**
 * Brings the environment up to date; what is there already is left alone. A second process waits for the first.
 *
 * @param {{ root: string, packages: readonly string[], python: string, say: (text: string) => void, options?: readonly string[] }} options
 *   packages as `name==version`; options of pip's and of uv's install command.
 * @returns {string | null} why it could not, with the way out.
 */
export function installPackages({ root, packages, python, say, options = [] }) {
  if (missingPackages(root, packages).length === 0) return null;
  return alone(`${root}.installing`, () => {
    const missing = missingPackages(root, packages);
    return missing.length === 0 ? null : install({ root, missing, python, say, options });
  });
}

function install({ root, missing, python, say, options }) {
  say(`installing ${missing.join(', ')} into ${root} ...`);
  const own = join(root, 'bin', 'python');
  if (!existsSync(own)) {
    const why = run(python, ['-m', 'venv', root]);
    if (why !== null) return `${python} -m venv failed (${why}); get it: sudo apt-get install python3-venv`;
  }
  if (installedByUv({ root, own, missing, options })) return null;
  const why = run(own, [...PIP, ...options, ...missing]);
  return why === null ? null : `pip could not install ${missing.join(', ')} (${why})`;
}

function installedByUv({ root, own, missing, options }) {
  const env = uvEnvironment(own);
  if (env === null || run(own, [...PIP, UV]) !== null) return false;
  const args = ['pip', 'install', '--quiet', '--python', own, ...options, ...missing];
  return run(join(root, 'bin', 'uv'), args, { env: { ...process.env, ...env } }) === null;
}

/** pip's settings for uv, which reads none of them by itself; null where one of them has no counterpart. */
function uvEnvironment(own) {
  const { status, stdout } = spawnSync(own, ['-m', 'pip', 'config', 'list'], { encoding: 'utf8' });
  if (status !== 0) return null;
  const env = {};
  for (const line of stdout.split('\n').filter((text) => text !== '')) {
    const [, name, value] = /^(?:global|install|:env:)\.([\w-]+)='([^'\\]*)'$/.exec(line) ?? [];
    const variable = UV_VARIABLES[name];
    if (variable !== undefined) env[variable] = value;
    else if (!IRRELEVANT.has(name)) return null;
  }
  return env;
}

/** Runs while no other process does so under the same lock, a file that holds the process's id. */
function alone(lock, work) {
  mkdirSync(dirname(lock), { recursive: true });
  while (!taken(lock)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN_MS);
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function taken(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    // Left behind by a process that was killed.
    if (!isAlive(lock)) rmSync(lock, { force: true });
    return false;
  }
}

function isAlive(lock) {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')) || process.pid, 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH' && error.code !== 'ENOENT';
  }
}

export function missingPackages(root, packages) {
  const lib = join(root, 'lib');
  const pythons = existsSync(lib) ? readdirSync(lib).filter((name) => name.startsWith('python3')) : [];
  const sites = pythons.map((name) => join(lib, name, 'site-packages')).filter((site) => existsSync(site));
  const there = new Set(sites.flatMap((site) => readdirSync(site)));
  return packages.filter((wheel) => {
    const [name, version] = wheel.split('==');
    return !there.has(`${name.replaceAll('-', '_')}-${version}.dist-info`);
  });
}

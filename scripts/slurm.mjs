// Finds Slurm's and munge's daemons for the tests that need a scheduler; where they are not on the PATH, unpacks Debian's packages
// into .slurm (4 MB to download, nothing is installed and nobody need be root). Plain Node without dependencies.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, run } from './programs.mjs';

/** The daemons and clients, and the libraries of theirs that a Debian without Slurm may lack. */
export const PACKAGES = [
  'slurmctld',
  'slurmd',
  'slurm-client',
  'slurm-wlm-basic-plugins',
  'munge',
  'libmunge2',
  'libhwloc15',
  'liblua5.1-0',
];

const WAY_OUT = 'get them: sudo apt-get install slurm-wlm munge';
const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Slurm's programs that are there, or else the unpacked ones.
 *
 * @param {{ root?: string, env?: NodeJS.ProcessEnv, say?: (text: string) => void }} options
 * @returns {import('./slurm.d.mts').SlurmInstallation} with the folder of the plugins, null for the one that Slurm was built for, and
 *   what the environment must hold besides the process's own.
 */
export function installSlurm({ root = join(PROJECT, '.slurm'), env = process.env, say = () => {} } = {}) {
  const path = [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].join(delimiter);
  const own = programsOn(path);
  if (own !== null) return { ok: true, ...own, plugins: null, env: {} };
  const folder = join(root, 'unpacked');
  const why = existsSync(folder) ? null : install(root, folder, say);
  if (why !== null) return { ok: false, why: `no Slurm on PATH, and ${why}; ${WAY_OUT}` };
  const programs = programsOn(['usr/sbin', 'usr/bin'].map((each) => join(folder, each)).join(delimiter));
  const libraries = librariesOf(folder);
  if (programs === null || libraries === null)
    return { ok: false, why: `${folder}: holds no whole Slurm; remove it, and start again` };
  const search = [libraries, join(libraries, 'slurm-wlm'), env.LD_LIBRARY_PATH ?? ''].filter(
    (each) => each !== '',
  );
  return {
    ok: true,
    ...programs,
    plugins: join(libraries, 'slurm-wlm'),
    env: {
      PATH: [join(folder, 'usr/bin'), env.PATH ?? ''].join(delimiter),
      LD_LIBRARY_PATH: search.join(delimiter),
    },
  };
}

/** All of them or null. Debian calls the daemons `slurmd-wlm`, and `slurmd` where its alternatives have been set. */
function programsOn(path) {
  const find = (...names) => findProgram(names, path);
  const found = {
    slurmctld: find('slurmctld', 'slurmctld-wlm'),
    slurmd: find('slurmd', 'slurmd-wlm'),
    slurmstepd: find('slurmstepd', 'slurmstepd-wlm'),
    munged: find('munged'),
    srun: find('srun'),
  };
  return Object.values(found).every((program) => program !== undefined) ? found : null;
}

/** Debian names the folder after the processor. */
function librariesOf(folder) {
  const lib = join(folder, 'usr', 'lib');
  const names = existsSync(lib) ? readdirSync(lib) : [];
  return (
    names
      .map((name) => join(lib, name))
      .find((each) => existsSync(join(each, 'slurm-wlm', 'libslurmfull.so'))) ?? null
  );
}

/** @returns {string | null} why it could not. */
function install(root, folder, say) {
  say(`unpacking ${PACKAGES.join(', ')} into ${root} ...`);
  mkdirSync(root, { recursive: true });
  // Several test files may do this at once: each in a folder of its own, and the whole folder is put in place.
  const fresh = mkdtempSync(join(root, 'fresh-'));
  try {
    const why = download(fresh) ?? unpack(fresh);
    if (why !== null) return why;
    if (!existsSync(folder)) renameSync(join(fresh, 'unpacked'), folder);
    return null;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** With lists of packages of its own where the machine has none yet. */
function download(fresh) {
  const debs = join(fresh, 'debs');
  mkdirSync(debs);
  const why = run('apt-get', ['-q', 'download', ...PACKAGES], { cwd: debs });
  if (why === null) return null;
  const lists = join(fresh, 'lists');
  mkdirSync(join(lists, 'partial'), { recursive: true });
  const own = ['-q', '-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${fresh}`];
  const failed =
    run('apt-get', [...own, 'update'], { cwd: debs }) ??
    run('apt-get', [...own, 'download', ...PACKAGES], { cwd: debs });
  return failed === null ? null : `apt-get could not download ${PACKAGES.join(', ')} (${failed})`;
}

function unpack(fresh) {
  const debs = join(fresh, 'debs');
  for (const deb of readdirSync(debs).filter((name) => name.endsWith('.deb'))) {
    const why = run('dpkg-deb', ['-x', join(debs, deb), join(fresh, 'unpacked')]);
    if (why !== null) return `${deb} could not be unpacked (${why})`;
  }
  return null;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = installSlurm({ say: (text) => process.stderr.write(`${text}\n`) });
  process.stdout.write(result.ok ? `${result.srun}\n` : `error: ${result.why}\n`);
  process.exitCode = result.ok ? 0 : 1;
}

// Whether dist/ is of the sources as they are. Plain Node without dependencies: it is asked before anything is installed.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = [
  'model',
  'sim',
  'search',
  'codegen',
  'build',
  'measure',
  'cluster',
  'cli',
  'studies',
  'report',
  'experiments',
  'documents',
  'library',
  'explorer',
  'bin',
  'scripts/command-bundle.mjs',
  'scripts/explorer.mjs',
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
];

/** Written as a build's last file: when it began, and the version of Node that its compiled code is of. */
export const STAMP = 'dist/.built';

/**
 * Whether a project is built, no source of it is newer, and its bundle's compiled code is of this version of Node.
 *
 * @param {string} project folder
 */
export function isBuilt(project) {
  const stamp = join(project, STAMP);
  return (
    existsSync(stamp) &&
    newestMtime(SOURCES.map((source) => join(project, source))) <= statSync(stamp).mtimeMs &&
    readFileSync(stamp, 'utf8').includes(process.version)
  );
}

/**
 * Modification time of the newest file among files and folders, in milliseconds.
 *
 * @param {readonly string[]} paths
 * @returns {number}
 */
export function newestMtime(paths) {
  let newest = 0;
  for (const path of paths) {
    const info = statSync(path, { throwIfNoEntry: false });
    if (info === undefined) continue;
    // A folder's own time changes when a file in it is removed, which also makes what was built stale.
    newest = Math.max(newest, info.mtimeMs);
    if (info.isDirectory())
      newest = Math.max(newest, newestMtime(readdirSync(path).map((name) => join(path, name))));
  }
  return newest;
}

// The commit that a build is made from, for packages without a repository: codegen/sourceCommit.ts reads it. Plain Node without
// dependencies.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Writes `dist/commit` under a folder, with `-dirty` where tracked files have changed since; nothing where there is no repository.
 *
 * @param {string} project whose commit it is.
 * @param {string} folder
 */
export function writeCommit(project, folder) {
  const git = (...args) => spawnSync('git', ['-C', project, ...args], { encoding: 'utf8' });
  const head = existsSync(join(project, '.git')) ? git('rev-parse', '--verify', 'HEAD') : { status: 1 };
  if (head.status !== 0) return;
  const isClean = git('status', '--porcelain', '--untracked-files=no').stdout === '';
  const file = join(folder, 'dist', 'commit');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${head.stdout.trim()}${isClean ? '' : '-dirty'}\n`);
}

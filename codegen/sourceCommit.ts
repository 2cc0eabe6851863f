import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../model/input/packageFiles.ts';

/** A commit as records and manifests name it: all its digits, and whether tracked files differed from it. */
export const COMMIT = /^[0-9a-f]{40,64}(-dirty)?$/;
/** Where a build leaves the commit that it was made from, for packages without a repository. */
const BUILT_FROM = join('dist', 'commit');

const known = new Map<string, string | null>();

/**
 * The commit of the source that is running: of the checkout that it lies in, with `-dirty` where tracked files have changed since;
 * for an installed package the one that it was built from; null where neither is known. Asked once in a process.
 */
export function sourceCommit(root: string = packageRoot): string | null {
  const before = known.get(root);
  if (before !== undefined) return before;
  const commit = (existsSync(join(root, '.git')) ? ofCheckout(root) : null) ?? ofBuild(root);
  known.set(root, commit);
  return commit;
}

function ofCheckout(root: string): string | null {
  const head = git(root, ['rev-parse', '--verify', 'HEAD'])?.trim();
  if (head === undefined || !COMMIT.test(head)) return null;
  const changes = git(root, ['status', '--porcelain', '--untracked-files=no']);
  // A tree that cannot be looked at is not known to be clean.
  return changes === '' ? head : `${head}-dirty`;
}

function git(root: string, args: readonly string[]): string | null {
  const { GIT_DIR: _, GIT_WORK_TREE: __, GIT_INDEX_FILE: ___, ...env } = process.env;
  const { status, stdout } = spawnSync('git', ['--no-optional-locks', '-C', root, ...args], {
    ...{ encoding: 'utf8', env, timeout: 20_000, stdio: ['ignore', 'pipe', 'ignore'] },
  });
  return status === 0 ? stdout : null;
}

function ofBuild(root: string): string | null {
  const file = join(root, BUILT_FROM);
  if (!existsSync(file)) return null;
  const text = readFileSync(file, 'utf8').trim();
  return COMMIT.test(text) ? text : null;
}

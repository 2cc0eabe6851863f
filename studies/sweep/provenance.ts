import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../model/input/packageFiles.ts';

/** Who answers: the same for all rows of a process. */
export interface Provenance {
  node: string;
  version: string;
  /** Of the sources, with `-dirty` where they differ from it; null where they are no checkout. */
  commit: string | null;
}

export function provenanceOfProcess(): Provenance {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  return { node: hostname(), version, commit: sourceCommit() };
}

function sourceCommit(): string | null {
  // A package that was installed into somebody's checkout is none of it.
  if (!existsSync(join(packageRoot, '.git'))) return null;
  try {
    const args = ['-C', packageRoot, 'describe', '--always', '--dirty', '--abbrev=40', '--exclude=*'];
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}

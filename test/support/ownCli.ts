import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../model/input/packageFiles.ts';

const MAIN = ['--import', 'tsx', join(packageRoot, 'cli', 'main.ts')];

/** A command line of ours in a process of its own, for signals and for what starts itself anew. */
export function startCli(args: readonly string[], env = process.env): ChildProcess {
  return spawn(process.execPath, [...MAIN, ...args], {
    env,
    cwd: packageRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export function runOwnCli(args: readonly string[], env = process.env) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...MAIN, ...args], {
    ...{ env, cwd: packageRoot, encoding: 'utf8' },
  });
  return { code: status, stdout, stderr };
}

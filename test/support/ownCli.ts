import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { isBuilt } from '../../scripts/built.mjs';

/**
 * Arguments of Node that start our command: the built one where it is of the sources as they are, which takes a third of the CPU time
 * of compiling them at each start.
 */
export const OWN_CLI = isBuilt(packageRoot)
  ? [join(packageRoot, 'bin', 'chunkflow.mjs')]
  : ['--import', import.meta.resolve('tsx'), join(packageRoot, 'cli', 'main.ts')];

/** A command line of ours in a process of its own, for signals and for what starts itself anew. */
export function startCli(args: readonly string[], env = process.env): ChildProcess {
  return spawn(process.execPath, [...OWN_CLI, ...args], {
    env,
    cwd: packageRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs one to its end, where given with `input` on its standard input. */
export function runOwnCli(args: readonly string[], input?: Uint8Array) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...OWN_CLI, ...args], {
    ...{ cwd: packageRoot, encoding: 'utf8', ...(input && { input }) },
  });
  return { code: status, stdout, stderr };
}

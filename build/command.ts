import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { start, stopped } from './stopSignals.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a command stands on the PATH of an environment; null where it does not. */
export function findCommand(name: string, env: Environment = process.env): string | null {
  if (name.includes('/')) return isExecutable(name) ? name : null;
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** What a short command prints on stdout; null when it cannot be started, fails or takes longer than 20 s. */
export function outputOf(
  command: string,
  args: readonly string[],
  env: Environment = process.env,
): string | null {
  const { status, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...env },
    timeout: 20_000,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout : null;
}

export interface Finished {
  /** 128 + 1 where a signal ended it, as shells have it. */
  exitCode: number;
  /** Everything it printed, stdout and stderr as they came. */
  log: string;
}

/**
 * Runs a long command and keeps what it prints.
 *
 * @throws Error when it cannot be started, and StoppedError when a signal has ended it together with this work.
 */
export function runLogged(
  command: string,
  args: readonly string[],
  env: Environment = process.env,
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = start(command, args, { env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        log += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => {
      const error = stopped();
      if (error === null) resolve({ exitCode: code ?? 129, log });
      else reject(error);
    });
  });
}

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { OWN_CLI } from './ownCli.ts';

export interface Drawn {
  /** All that was drawn, with its colours and movements. */
  output: string;
  code: number;
  /** The first expression that never came; null where all keys were typed. */
  missing: string | null;
}

export interface TerminalOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  columns?: number;
  /** What is typed, each once an expression is drawn behind the one before. */
  keys?: readonly (readonly [drawn: string, typed: string])[];
}

/** Nothing takes so long, however busy the machine is; only a program that waits for keys that never come. */
const LIMIT_S = 240;

/** Whether there is a Python that opens pseudo-terminals. */
export function hasTerminals(): boolean {
  return spawnSync('python3', ['-c', 'import pty, termios']).status === 0;
}

/** Runs a program in a pseudo-terminal. */
export function inTerminal(
  command: readonly string[],
  { cwd = packageRoot, env = {}, columns = 100, keys = [] }: TerminalOptions = {},
): Drawn {
  // Of CI, Node takes a terminal for one without colours.
  const { FORCE_COLOR: _, NO_COLOR: __, COLUMNS: ___, CI: ____, ...own } = process.env;
  const asked = {
    ...{ command, cwd, columns, rows: 60, keys, limit_s: LIMIT_S },
    env: { ...own, TERM: 'xterm-256color', ...env },
  };
  const helper = join(packageRoot, 'test', 'support', 'terminal.py');
  const { stdout, stderr, status } = spawnSync('python3', [helper, JSON.stringify(asked)], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`${helper}: ${stderr}`);
  return JSON.parse(stdout);
}

/** A folder for PATH with the command line as `chunkflow`. */
export function withChunkflow(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'chunkflow');
  const command = [process.execPath, ...OWN_CLI].map((word) => `"${word}"`).join(' ');
  writeFileSync(file, `#!/bin/sh\nexec ${command} "$@"\n`);
  chmodSync(file, 0o755);
  return folder;
}

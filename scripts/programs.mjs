// Programs that set-up looks for and runs. Plain Node without dependencies.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** @param {string} file */
export function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The first program of these names on a path, the names in their order.
 *
 * @param {readonly string[]} names
 * @param {string} path as PATH has it.
 * @returns {string | undefined}
 */
export function findProgram(names, path) {
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} options
 * @returns {string | null} why it failed, in its own last line.
 */
export function run(command, args, options = {}) {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (error) return error.code === 'ENOENT' ? `there is no ${command}` : error.message;
  return status === 0 ? null : stderr.trim().split('\n').at(-1) || `exit code ${status}`;
}

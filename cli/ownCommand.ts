import { resolve } from 'node:path';
import process from 'node:process';

/** This program with other arguments, as another process or another host starts it: the same Node, its flags, the same files. */
export function ownCommand(...args: readonly string[]): string[] {
  return [process.execPath, ...process.execArgv, resolve(process.argv[1]!), ...args];
}

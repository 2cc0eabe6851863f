import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { BuiltProgram } from '../build/build.ts';
import { start, stoppable, stopped } from '../build/stopSignals.ts';
import { shown, UserError } from '../model/input/userError.ts';
import { type Addon, loadAddon } from './addon.ts';

/** In this process through the addon, or as a process of its own. */
export type Runner = 'in-process' | 'executable';

export interface MeasureOptions {
  /** Arguments of the generated program, such as `--rounds 5 --graph`; not `--out`. */
  args: readonly string[];
  /** Results file of a program; records are appended to it. */
  outFile: (program: BuiltProgram) => string;
  runner: Runner;
  /** What starts a program that is a process of its own; the program itself where left out. */
  launch?: ((program: BuiltProgram) => Launch) | undefined;
  /** Progress, one line at a time. */
  onNote: (text: string) => void;
}

/** What starts a program, such as srun. */
export interface Launch {
  /** The executable and its arguments follow. */
  command: readonly string[];
  /** Variables beside those of this process. */
  env: Readonly<Record<string, string>>;
}

export interface MeasuredProgram {
  program: BuiltProgram;
  file: string;
  /** Why the run failed; null when it did not. */
  failure: string | null;
}

/**
 * Runs built programs one after another; one that fails does not keep the others from running.
 *
 * @throws UserError for what a program calls a mistake of the user, and for a results folder that cannot be made; StoppedError
 * where a signal has ended a program.
 */
export function measurePrograms(
  programs: readonly BuiltProgram[],
  options: MeasureOptions,
): Promise<MeasuredProgram[]> {
  return stoppable(options.onNote, () => measureEach(programs, options));
}

async function measureEach(
  programs: readonly BuiltProgram[],
  { args, outFile, runner, launch, onNote }: MeasureOptions,
): Promise<MeasuredProgram[]> {
  const run = runner === 'in-process' ? inProcess(await loadAddon()) : asProcess(launch);
  const measured: MeasuredProgram[] = [];
  for (const program of programs) {
    const file = outFile(program);
    makeFolder(dirname(file));
    let error: string | null = null;
    const exitCode = await run(program, ['--out', file, '--no-table', ...args], (text) => {
      const match = /^error: (.+)$/.exec(text);
      if (match === null) onNote(text);
      else error = match[1]!;
    });
    if (exitCode === 2) throw new UserError(`${program.manifest.id}: ${error ?? 'refused to run'}`);
    const failure = exitCode === 0 ? null : (error ?? `the run ended with exit code ${exitCode}`);
    measured.push({ program, file, failure });
  }
  return measured;
}

type Run = (program: BuiltProgram, args: string[], onNote: (text: string) => void) => Promise<number>;

function inProcess(addon: Addon): Run {
  return async ({ library, manifest }, args, onNote) => {
    const loaded = addon.load(library);
    const { fingerprint } = JSON.parse(loaded.describe()) as { fingerprint: string };
    if (fingerprint !== manifest.fingerprint) {
      throw new UserError(
        `${shown(library)}: this process has loaded an older build of it; start again, or use the executable`,
      );
    }
    return (await loaded.run(args, () => {}, onNote)).exitCode;
  };
}

function asProcess(launch: MeasureOptions['launch']): Run {
  return (program, args, onNote) => {
    const { command, env } = launch?.(program) ?? { command: [], env: {} };
    const [first, ...rest] = [...command, program.executable, ...args];
    return ended(
      start(first!, rest, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } }),
      onNote,
    );
  };
}

function ended(child: ChildProcess, onNote: (text: string) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stderr! }).on('line', onNote);
    child.on('error', reject);
    // A signal leaves no exit code: a crash is a failed run.
    child.on('close', (code, signal) => {
      const error = stopped();
      if (error !== null) {
        reject(error);
        return;
      }
      if (signal !== null) onNote(`error: ended by ${signal}`);
      resolve(code ?? 1);
    });
  });
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new UserError(`${shown(folder)}: cannot be made (${(error as NodeJS.ErrnoException).code})`);
  }
}

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { findCommand, runLogged } from '../build/command.ts';
import { firstError } from '../build/compilerLog.ts';
import { packageRoot } from '../model/input/packageFiles.ts';
import { UserError } from '../model/input/userError.ts';
import type { MeasuredIntervals } from './timelineOf.ts';

/** A generated program, loaded into this process. One run at a time. */
export interface LoadedProgram {
  /** What the program is, as JSON. */
  describe(): string;
  /** Runs on a thread of its own; records (JSON) and progress for people arrive line by line while it works. */
  run(
    args: readonly string[],
    onLine: (json: string) => void,
    onNote?: (text: string) => void,
  ): Promise<{ exitCode: number }>;
  /** The same, with all records at the end and the timelines among them as columns of numbers. */
  runCollect(args: readonly string[], onNote?: (text: string) => void): Promise<CollectedRun>;
}

export interface CollectedRun {
  exitCode: number;
  /** All records but the timelines. */
  lines: string[];
  timelines: CollectedTimeline[];
}

export interface CollectedTimeline extends MeasuredIntervals {
  plan: number;
  position: Int32Array;
  statement: Int32Array;
  part: Int32Array;
  startS: Float64Array;
  endS: Float64Array;
}

export interface Addon {
  /** @throws Error when the library cannot be loaded or is no generated program. */
  load(path: string): LoadedProgram;
}

const SOURCES = join(packageRoot, 'native');
const BUILD = join(SOURCES, 'build');
const BINARY = join(BUILD, 'Release', 'chunkflow_addon.node');
const LOG = join(BUILD, 'build.log');

const require = createRequire(import.meta.url);

/**
 * Loads the addon, built where it is missing or older than its sources.
 *
 * @throws UserError with the compiler's first error when it cannot be built.
 */
export async function loadAddon(): Promise<Addon> {
  return require(await buildAddon()) as Addon;
}

/** Builds the addon unless it is up to date; returns its path. @throws UserError when that cannot be done. */
export async function buildAddon(): Promise<string> {
  if (existsSync(BINARY) && newestSource() <= statSync(BINARY).mtimeMs) return BINARY;
  for (const [name, command] of [
    ['cmake', 'cmake'],
    ['a C++ compiler', process.env.CXX ?? 'c++'],
  ] as const) {
    if (findCommand(command) !== null) continue;
    throw new UserError(
      `the addon needs ${name}, which is missing: sudo apt-get install cmake g++; or use --no-in-process`,
    );
  }
  return compile();
}

/** In a folder of its own, with a rename at the end: several processes may find the addon missing at once. */
async function compile(): Promise<string> {
  mkdirSync(dirname(BINARY), { recursive: true });
  const work = mkdtempSync(join(BUILD, 'work-'));
  try {
    const { exitCode, log } = await runLogged(process.execPath, [
      ...[cmakeJs(), 'compile', '--directory', SOURCES, '--out', work],
    ]);
    writeFileSync(LOG, log);
    if (exitCode !== 0) {
      const why = firstError(log) ?? `cmake-js ended with ${exitCode}`;
      throw new UserError(`the addon could not be built: ${why} (all of it: ${LOG}); or use --no-in-process`);
    }
    renameSync(join(work, 'Release', 'chunkflow_addon.node'), BINARY);
    return BINARY;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function cmakeJs(): string {
  try {
    return join(dirname(require.resolve('cmake-js/package.json')), 'bin', 'cmake-js');
  } catch {
    throw new UserError('cmake-js is missing, which builds the addon: npm install; or use --no-in-process');
  }
}

/** Modification time of the newest file that the addon is made from, milliseconds. */
function newestSource(): number {
  const own = ['CMakeLists.txt', 'package.json', ...readdirSync(join(SOURCES, 'src')).map((f) => `src/${f}`)];
  const files = [
    ...own.map((name) => join(SOURCES, name)),
    join(packageRoot, 'runtime', 'program', 'runtime.hpp'),
  ];
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}

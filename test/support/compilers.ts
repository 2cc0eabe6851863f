import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { findToolchain, missingFor } from '../../build/toolchain.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';

/** Runs the compiler's command line behind it and keeps objects in the folder of CHUNKFLOW_KEPT_OBJECTS, if that is set. */
const KEPT_OBJECTS = join(packageRoot, 'test', 'support', 'keptObjects.sh');

const KEPT_FOR_MS = 7 * 86_400_000;

const CXX = process.env.CXX ?? 'c++';
/** The C++ compiler as one word of a command: with its launcher. */
export const KEEPING_CXX = `${KEPT_OBJECTS} ${CXX}`;

/** Why C++ cannot be compiled here; null when it can. */
export function noCompiler(): string | null {
  const missing = missingFor(findToolchain(), 'host').map(
    ({ name, remedy }) => `${name} is missing (${remedy})`,
  );
  return missing.length === 0 ? null : missing.join(', ');
}

/** Environment in which every build, by CMake too, takes equal objects from one folder; empty where the script does not run. */
export function compilerCache(): NodeJS.ProcessEnv {
  if (process.platform !== 'linux') return {};
  return {
    CHUNKFLOW_KEPT_OBJECTS: process.env.CHUNKFLOW_KEPT_OBJECTS ?? join(packageRoot, 'out', 'objects'),
    CMAKE_CXX_COMPILER_LAUNCHER: process.env.CMAKE_CXX_COMPILER_LAUNCHER ?? KEPT_OBJECTS,
  };
}

/** Removes what no compilation has asked for in a week. */
export function removeUnusedObjects(folder: string): void {
  if (!existsSync(folder)) return;
  const isOld = (file: string) =>
    Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > KEPT_FOR_MS;
  for (const name of readdirSync(folder))
    if (isOld(join(folder, name))) rmSync(join(folder, name), { force: true });
}

/** Compiles or links, which must succeed. */
export function compile(...args: readonly string[]): void {
  const { status, stderr } = spawnSync(KEPT_OBJECTS, [CXX, ...args], { encoding: 'utf8' });
  assert.is(status, 0, stderr.slice(0, 2000));
}

/** Compiles each source by itself and links them: what is compiled elsewhere in the same way is not compiled again. */
export function compileProgram(out: string, flags: readonly string[], sources: readonly string[]): void {
  const objects = sources.map((source, index) => {
    const object = `${out}.${index}.o`;
    compile(...flags, '-o', object, '-c', source);
    return object;
  });
  compile(...flags, ...objects, '-o', out);
}

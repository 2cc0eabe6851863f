import { isAbsolute } from 'node:path';
import { shown, UserError } from '../model/input/userError.ts';

export interface ProgramFolder {
  id: string;
  /** As it stands in the CMake file: absolute, or relative to it. */
  folder: string;
}

const UNSAFE = /["';$\\\n\r]/;

/**
 * A CMakeLists.txt that builds several generated programs on one runtime. Libraries and executables land in the build
 * folder's `bin`.
 *
 * @throws UserError for a path that CMake or a shell would read as something else.
 */
export function superproject({
  runtime,
  programs,
}: {
  runtime: string;
  programs: readonly ProgramFolder[];
}): string {
  const bin = quoted(`${variable('CMAKE_BINARY_DIR')}/bin`);
  return [
    '# Made by chunkflow: all programs on one copy of the runtime.',
    'cmake_minimum_required(VERSION 3.22)',
    'project(chunkflow_programs LANGUAGES CXX)',
    `set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${bin})`,
    `set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${bin})`,
    `set(CHUNKFLOW_RUNTIME ${place(runtime)})`,
    `add_subdirectory(${place(runtime)} chunkflow_runtime)`,
    ...programs.map(({ id, folder }) => `add_subdirectory(${place(folder)} programs/${safe(id)})`),
    '',
  ].join('\n');
}

/** Relative folders stand beside the CMake file. */
function place(folder: string): string {
  const path = safe(folder);
  return quoted(isAbsolute(path) ? path : `${variable('CMAKE_CURRENT_SOURCE_DIR')}/${path}`);
}

function quoted(text: string): string {
  return `"${text}"`;
}

function variable(name: string): string {
  return `\${${name}}`;
}

function safe(path: string): string {
  if (!UNSAFE.test(path)) return path;
  throw new UserError(
    `${shown(path)}: a build cannot handle a path with quotes, ";", "$", "\\" or a line end; move the folder`,
  );
}

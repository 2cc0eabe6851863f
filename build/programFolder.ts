import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Manifest, readManifest } from '../codegen/manifest.ts';
import { shown, UserError } from '../model/input/userError.ts';

/** A generated program on disk. */
export interface GeneratedProgram {
  /** Absolute. */
  folder: string;
  manifest: Manifest;
  /** Sources that differ from what was generated: allowed, and worth saying. */
  edited: string[];
}

/**
 * Reads generated programs and compares their sources with their manifests.
 *
 * @throws UserError for a folder that holds none, lacks a source, or has the name of another.
 */
export function readPrograms(folders: readonly string[]): GeneratedProgram[] {
  if (folders.length === 0) {
    throw new UserError('no folder of a generated program given; make one with `chunkflow generate`');
  }
  const programs = [...new Set(folders.map((folder) => resolve(folder)))].map(readProgram);
  for (const [index, { folder, manifest }] of programs.entries()) {
    const other = programs.slice(0, index).find((program) => sameName(program.manifest, manifest));
    if (other === undefined) continue;
    throw new UserError(
      `${shown(folder)}: is called ${shown(manifest.id)} like ${shown(other.folder)}; generate one under another name, or build them one by one`,
    );
  }
  return programs;
}

/** One line for each source that was changed by hand. */
export function editNotes(programs: readonly GeneratedProgram[]): string[] {
  return programs.flatMap(({ folder, edited }) =>
    edited.map((name) => `note: ${join(folder, name)} has been edited since it was generated`),
  );
}

function readProgram(folder: string): GeneratedProgram {
  const manifest = readManifest(folder);
  const edited = manifest.files.filter(({ name, sha256 }) => {
    const file = join(folder, name);
    if (!existsSync(file)) throw new UserError(`${file}: is missing; generate the program anew`);
    return createHash('sha256').update(readFileSync(file)).digest('hex') !== sha256;
  });
  return { folder, manifest, edited: edited.map(({ name }) => name) };
}

function sameName(a: Manifest, b: Manifest): boolean {
  return a.id === b.id || a.target === b.target;
}

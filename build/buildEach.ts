import { UserError } from '../model/input/userError.ts';
import { type BuildOptions, type BuiltProgram, buildPrograms } from './build.ts';

export interface EachBuilt {
  programs: BuiltProgram[];
  /** Why the program of a folder could not be built. */
  failed: Map<string, string>;
}

/**
 * Builds programs all at once: they have one copy of the runtime. If one of them does not compile, each that is wanted is built by
 * itself, so that the others can still be run.
 *
 * @param wanted folders of those that will run.
 */
export async function buildEach(
  folders: readonly string[],
  wanted: readonly string[],
  options: BuildOptions,
  onNote: (text: string) => void,
): Promise<EachBuilt> {
  onNote(`building ${folders.length} programs for ${options.backend} ...`);
  try {
    return { programs: await built(folders, options, onNote), failed: new Map() };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (folders.length > 1) onNote(`${error.message}; building the programs one by one`);
  }
  const each: EachBuilt = { programs: [], failed: new Map() };
  for (const folder of wanted) {
    try {
      each.programs.push(...(await built([folder], options, onNote)));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      each.failed.set(folder, error.message);
    }
  }
  return each;
}

async function built(
  folders: readonly string[],
  options: BuildOptions,
  onNote: (text: string) => void,
): Promise<BuiltProgram[]> {
  const { programs, notes } = await buildPrograms(folders, options);
  for (const note of notes) onNote(note);
  return programs;
}

import { buildPrograms } from '../../../build/build.ts';
import { buildOptions } from '../../buildOptions.ts';
import type { Output } from '../../output.ts';
import type { BuildCommandFlags } from './command.ts';

/** Compiles generated programs and says where library and executable of each are. */
export async function run(
  folders: readonly string[],
  flags: BuildCommandFlags,
  output: Output,
): Promise<void> {
  const options = buildOptions(flags);
  output.diagnostic(`building for ${options.backend} ...\n`);
  const { programs, notes } = await buildPrograms(folders, {
    ...options,
    ...(flags.buildDir === undefined ? {} : { outDir: flags.buildDir }),
  });
  for (const note of notes) output.diagnostic(`${note}\n`);
  for (const { manifest, library, executable } of programs) {
    output.result(`${manifest.id}: ${executable}\n${manifest.id}: ${library}\n`);
  }
}

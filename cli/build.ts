import { type BuildOptions, buildPrograms } from '../build/build.ts';
import { defaultBackend } from '../build/toolchain.ts';
import type { Output } from './output.ts';

/** The flags of everything that builds, as commander hands them over. */
export interface BuildFlags {
  backend?: BuildOptions['backend'];
  sanitize?: 'thread' | 'address';
  architectures?: string;
  jobs?: number;
}

/** Compiles generated programs and says where library and executable of each are. */
export async function build(
  folders: readonly string[],
  flags: BuildFlags & { buildDir?: string },
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

/** Without --backend: cuda where it can be built and there is a GPU. */
export function buildOptions({ backend, sanitize, architectures, jobs }: BuildFlags): BuildOptions {
  return {
    backend: backend ?? defaultBackend(),
    ...(sanitize === undefined ? {} : { sanitize }),
    ...(architectures === undefined ? {} : { architectures: architectures.split(',') }),
    ...(jobs === undefined ? {} : { jobs }),
  };
}

import type { BuildOptions } from '../build/build.ts';
import { defaultBackend } from '../build/toolchain.ts';
import type { BuildFlags } from './flags/build.ts';

/** Without --backend: cuda where it can be built and there is a GPU. */
export function buildOptions({ backend, sanitize, architectures, jobs }: BuildFlags): BuildOptions {
  return {
    backend: backend ?? defaultBackend(),
    ...(sanitize === undefined ? {} : { sanitize }),
    ...(architectures === undefined ? {} : { architectures: architectures.split(',') }),
    ...(jobs === undefined ? {} : { jobs }),
  };
}

import { type Environment, findCommand, outputOf } from './command.ts';
import { CudaParts, type Found, type Places, usualPlaces } from './cudaParts.ts';
import { findGpus } from './hardware.ts';

/** Something that a build takes: where it was found, or how to get it. */
export interface Part {
  name: string;
  /** The backend that cannot be built without it; `speed`: everything can. */
  neededFor: 'host' | 'cuda' | 'speed';
  found: Found | null;
  remedy: string;
}

export type Backend = 'host' | 'cuda';

const WHEELS = 'npm run cuda-wheels';

/** Everything that building a generated program takes, in the order in which a reader wants it. */
export function findToolchain(env: Environment = process.env, places: Places = usualPlaces): Part[] {
  const cuda = new CudaParts(env, places);
  const wheel = (name: string) => `${WHEELS}, or pip install --no-deps ${name}`;
  return [
    {
      name: 'Node',
      neededFor: 'host',
      found: { path: process.execPath, version: process.versions.node },
      remedy: 'https://nodejs.org',
    },
    {
      name: 'C++ compiler',
      neededFor: 'host',
      found: findTool([...(env.CXX ? [env.CXX] : []), 'c++', 'g++', 'clang++'], env),
      remedy: 'sudo apt-get install g++',
    },
    {
      name: 'cmake',
      neededFor: 'host',
      found: findTool(['cmake'], env),
      remedy: 'sudo apt-get install cmake, or pip install cmake',
    },
    {
      name: 'ninja',
      neededFor: 'speed',
      found: findTool(['ninja'], env),
      remedy: 'sudo apt-get install ninja-build, or pip install ninja (make does without it)',
    },
    {
      name: 'nvcc',
      neededFor: 'cuda',
      found: cuda.nvcc,
      remedy: `${WHEELS}, or install the CUDA 13 toolkit and set CUDA_HOME`,
    },
    {
      name: 'CUDA runtime',
      neededFor: 'cuda',
      found: cuda.library('CUDART'),
      remedy: wheel('nvidia-cuda-runtime'),
    },
    { name: 'cuBLASLt', neededFor: 'cuda', found: cuda.library('CUBLASLT'), remedy: wheel('nvidia-cublas') },
    { name: 'NVRTC', neededFor: 'cuda', found: cuda.library('NVRTC'), remedy: wheel('nvidia-cuda-nvrtc') },
    { name: 'cuDNN', neededFor: 'cuda', found: cuda.library('CUDNN'), remedy: wheel('nvidia-cudnn-cu13') },
    {
      name: 'cudnn-frontend',
      neededFor: 'cuda',
      found: cuda.frontend(),
      remedy: wheel('nvidia-cudnn-frontend'),
    },
    { name: 'NCCL', neededFor: 'cuda', found: cuda.library('NCCL'), remedy: wheel('nvidia-nccl-cu13') },
  ];
}

/** What a backend lacks; none when it can be built. */
export function missingFor(parts: readonly Part[], backend: Backend): Part[] {
  const needed = backend === 'cuda' ? ['host', 'cuda'] : ['host'];
  return parts.filter(({ neededFor, found }) => found === null && needed.includes(neededFor));
}

/** What to build for where nobody has said it: cuda where it can be built and there is a GPU to run it on. */
export function defaultBackend(env: Environment = process.env): Backend {
  const cuda = missingFor(findToolchain(env), 'cuda').length === 0 && findGpus(env).length > 0;
  return cuda ? 'cuda' : 'host';
}

function findTool(names: readonly string[], env: Environment): Found | null {
  const path = names.map((name) => findCommand(name, env)).find((file) => file !== null);
  if (path === undefined) return null;
  const version = /\d+\.\d+(\.\d+)*/.exec(outputOf(path!, ['--version'], env) ?? '')?.[0];
  return { path: path!, version: version ?? null };
}

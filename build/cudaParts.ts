import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../model/input/packageFiles.ts';
import { type Environment, findCommand, outputOf } from './command.ts';

/** Where something was found; the version is null where nothing says it. */
export interface Found {
  path: string;
  version: string | null;
}

/** Where CUDA is looked for besides the environment. */
export interface Places {
  /** The system's CUDA folder. */
  system: string;
  /** The project's own virtual environment with NVIDIA's wheels. */
  wheels: string;
  /** Where distributions put libraries that stand beside CUDA. */
  distribution: string;
  /** Headers of cudnn-frontend that travel with the runtime. */
  frontend: string;
}

export const usualPlaces: Places = {
  system: '/usr/local/cuda',
  wheels: join(packageRoot, '.cuda'),
  distribution: '/usr',
  frontend: join(packageRoot, 'third_party', 'cudnn-frontend', 'include'),
};

const LIBRARIES = {
  CUDART: {
    header: 'cuda_runtime.h',
    library: /^libcudart(_static\.a|\.so(\.\d+)?)$/,
    version: { header: 'cuda_runtime_api.h', read: cudartVersion },
  },
  CUBLASLT: {
    header: 'cublasLt.h',
    library: /^libcublasLt\.so(\.\d+)?$/,
    version: {
      header: 'cublas_api.h',
      read: defines('CUBLAS_VER_MAJOR', 'CUBLAS_VER_MINOR', 'CUBLAS_VER_PATCH'),
    },
  },
  NVRTC: { header: 'nvrtc.h', library: /^libnvrtc\.so(\.\d+)?$/, version: null },
  CUDNN: {
    header: 'cudnn_backend.h',
    library: /^libcudnn\.so\.9$/,
    version: {
      header: 'cudnn_version.h',
      read: defines('CUDNN_MAJOR', 'CUDNN_MINOR', 'CUDNN_PATCHLEVEL'),
    },
  },
  NCCL: {
    header: 'nccl.h',
    library: /^libnccl\.so(\.2)?$/,
    version: { header: 'nccl.h', read: defines('NCCL_MAJOR', 'NCCL_MINOR', 'NCCL_PATCH') },
  },
} as const;

/**
 * NVIDIA's parts of a build, looked for where the runtime's CMake files look: each part's own variable, CUDA_HOME, the
 * toolkit that nvcc belongs to, the system's folder, the project's wheels, the packages of python3, the distribution's.
 */
export class CudaParts {
  readonly nvcc: Found | null;
  readonly #env: Environment;
  readonly #prefixes: readonly string[];
  readonly #frontend: string;

  constructor(env: Environment, places: Places) {
    this.#env = env;
    this.#frontend = places.frontend;
    const home = env.CUDA_HOME ? [env.CUDA_HOME] : [];
    const sites = [...sitePackagesOf(places.wheels), ...pythonSitePackages(env)];
    // Of several CUDA versions the newest counts.
    const wheels = sites.flatMap((site) => [...foldersIn(join(site, 'nvidia')).reverse(), site]);
    this.nvcc = findNvcc(env, [...home, places.system, ...wheels]);
    const toolkit = this.nvcc === null ? [] : [dirname(dirname(realpathSync(this.nvcc.path)))];
    this.#prefixes = [...home, ...toolkit, places.system, ...wheels, places.distribution];
  }

  /** A library whose headers and binary stand under one prefix. */
  library(part: keyof typeof LIBRARIES): Found | null {
    const { header, library, version } = LIBRARIES[part];
    const own = this.#env[`CHUNKFLOW_${part}_ROOT`];
    for (const prefix of own ? [own] : this.#prefixes) {
      const include = includeFolders(prefix).find((folder) => existsSync(join(folder, header)));
      const file = libraryFolders(prefix).flatMap((folder) =>
        namesIn(folder)
          .filter((name) => library.test(name))
          .map((name) => join(folder, name)),
      )[0];
      if (include === undefined || file === undefined) continue;
      const source = version === null ? null : join(include, version.header);
      return { path: file, version: source !== null ? versionOf(source, version!.read) : null };
    }
    return null;
  }

  /** Folder with the headers of cudnn-frontend, which has no binary. */
  frontend(): Found | null {
    const own = this.#env.CUDNN_FRONTEND_INCLUDE;
    const folders = own
      ? [own]
      : [this.#frontend, ...this.#prefixes.map((prefix) => join(prefix, 'include'))];
    const path = folders.find((folder) => existsSync(join(folder, 'cudnn_frontend.h')));
    if (path === undefined) return null;
    const read = defines(...['MAJOR', 'MINOR', 'PATCH'].map((part) => `CUDNN_FRONTEND_${part}_VERSION`));
    return { path, version: versionOf(join(path, 'cudnn_frontend_version.h'), read) };
  }
}

function findNvcc(env: Environment, prefixes: readonly string[]): Found | null {
  const own = env.CHUNKFLOW_NVCC;
  const candidates = own ? [own] : [...prefixes.map((prefix) => join(prefix, 'bin', 'nvcc')), 'nvcc'];
  const path = candidates.map((candidate) => findCommand(candidate, env)).find((file) => file !== null);
  if (path === undefined) return null;
  return { path: path!, version: /\bV([\d.]+)/.exec(outputOf(path!, ['--version'], env) ?? '')?.[1] ?? null };
}

function sitePackagesOf(venv: string): string[] {
  const folders = foldersIn(join(venv, 'lib')).filter((folder) => /python3[^/]*$/.test(folder));
  return folders.map((folder) => join(folder, 'site-packages'));
}

function pythonSitePackages(env: Environment): string[] {
  const python = findCommand('python3', env);
  if (python === null) return [];
  const program = "import sys; print('\\n'.join(p for p in sys.path if p.endswith('-packages')))";
  return (outputOf(python, ['-c', program], env) ?? '').split('\n').filter((line) => line !== '');
}

function includeFolders(prefix: string): string[] {
  const own = join(prefix, 'include');
  return [own, ...targets(prefix, 'include'), ...machineFolders(own)];
}

function libraryFolders(prefix: string): string[] {
  const own = join(prefix, 'lib');
  return [join(prefix, 'lib64'), own, ...targets(prefix, 'lib'), ...machineFolders(own)];
}

/** Cross-compiling toolkits keep a folder for each target. */
function targets(prefix: string, kind: string): string[] {
  return foldersIn(join(prefix, 'targets')).map((target) => join(target, kind));
}

/** Debian's folders for one processor. */
function machineFolders(folder: string): string[] {
  return ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((machine) => join(folder, machine));
}

function foldersIn(folder: string): string[] {
  return namesIn(folder).map((name) => join(folder, name));
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

type VersionReader = (text: string) => string | null;

function versionOf(header: string, read: VersionReader): string | null {
  return existsSync(header) ? read(readFileSync(header, 'utf8')) : null;
}

function cudartVersion(text: string): string | null {
  const number = Number(/#define\s+CUDART_VERSION\s+(\d+)/.exec(text)?.[1]);
  return Number.isNaN(number) ? null : `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`;
}

function defines(...names: readonly string[]): VersionReader {
  return (text) => {
    const numbers = names.map((name) => new RegExp(`#define\\s+${name}\\s+(\\d+)`).exec(text)?.[1]);
    return numbers.includes(undefined) ? null : numbers.join('.');
  };
}

// Installs NVIDIA's compiler, libraries and headers from Python wheels into .cuda, for a machine without a CUDA toolkit.
// They compile everything; running needs a GPU and its driver. Plain Node without dependencies.
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPackages, missingPackages } from './python-packages.mjs';

/** Exact versions: what they are built and tested with here. */
export const WHEELS = [
  'nvidia-cuda-nvcc==13.0.88',
  'nvidia-nvvm==13.0.88',
  'nvidia-cuda-crt==13.0.88',
  'nvidia-cuda-runtime==13.0.96',
  'nvidia-cuda-cccl==13.0.85',
  'nvidia-cuda-nvrtc==13.0.88',
  'nvidia-cublas==13.0.2.14',
  'nvidia-nccl-cu13==2.32.3',
  'nvidia-cudnn-cu13==9.28.1.4',
  'nvidia-cudnn-frontend==1.32.0',
  'nvidia-nvtx==13.5.25',
];

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Brings the folder up to date, up to 3 GB. A package's own record is written last, so the records say what is complete.
 *
 * @param {{ root?: string, check?: boolean, python?: string, say?: (text: string) => void }} options check: only look.
 * @returns {{ ok: true, root: string } | { ok: false, why: string }}
 */
export function cudaWheels({
  root = join(PROJECT, '.cuda'),
  check = false,
  python = 'python3',
  say = () => {},
} = {}) {
  const missing = missingPackages(root, WHEELS);
  if (missing.length === 0) return { ok: true, root };
  if (check) return { ok: false, why: `${root} lacks ${missing.join(', ')}; run: npm run cuda-wheels` };
  // Without their dependencies: what they name is listed above, and no more is needed.
  const why = installPackages({ root, packages: WHEELS, python, say, options: ['--no-deps'] });
  if (why !== null) return { ok: false, why };
  const left = missingPackages(root, WHEELS);
  return left.length === 0 ? { ok: true, root } : { ok: false, why: `not installed: ${left.join(', ')}` };
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const unknown = process.argv.slice(2).find((argument) => argument !== '--check');
  if (unknown !== undefined) {
    process.stderr.write(`error: unknown argument "${unknown}"; expected --check or nothing\n`);
    process.exit(2);
  }
  const say = (text) => process.stderr.write(`${text}\n`);
  const result = cudaWheels({ check: process.argv.includes('--check'), say });
  if (result.ok) process.stdout.write(`${result.root}: up to date\n`);
  else say(`error: ${result.why}`);
  process.exitCode = result.ok ? 0 : 1;
}

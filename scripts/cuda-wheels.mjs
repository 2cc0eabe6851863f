// Installs NVIDIA's compiler, libraries and headers from Python wheels into .cuda, for a machine without a CUDA toolkit.
// They compile everything; running needs a GPU and its driver. Plain Node without dependencies.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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
 * Brings the folder up to date. pip writes a package's own record last, so the records say what is complete.
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
  const missing = missingWheels(root);
  if (missing.length === 0) return { ok: true, root };
  if (check) return { ok: false, why: `${root} lacks ${missing.join(', ')}; run: npm run cuda-wheels` };
  const pip = join(root, 'bin', 'python');
  if (!existsSync(pip)) {
    say(`making ${root} ...`);
    const why = run(python, ['-m', 'venv', root]);
    if (why !== null) {
      return {
        ok: false,
        why: `${python} -m venv failed (${why}); get it: sudo apt-get install python3-venv`,
      };
    }
  }
  say(`installing ${missing.length} packages, up to 3 GB ...`);
  const why = run(pip, [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
    ...missing,
  ]);
  if (why !== null) return { ok: false, why: `pip could not install the CUDA wheels (${why})` };
  const left = missingWheels(root);
  return left.length === 0
    ? { ok: true, root }
    : { ok: false, why: `pip did not install ${left.join(', ')}` };
}

function missingWheels(root) {
  const lib = join(root, 'lib');
  const pythons = existsSync(lib) ? readdirSync(lib).filter((name) => name.startsWith('python3')) : [];
  const sites = pythons.map((name) => join(lib, name, 'site-packages')).filter((site) => existsSync(site));
  const installed = new Set(sites.flatMap((site) => readdirSync(site)));
  return WHEELS.filter((wheel) => {
    const [name, version] = wheel.split('==');
    return !installed.has(`${name.replaceAll('-', '_')}-${version}.dist-info`);
  });
}

/** Null when all went well, else why not, in one line. */
function run(command, args) {
  const { status, error, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  if (error) return error.code === 'ENOENT' ? `there is no ${command}` : error.message;
  if (status === 0) return null;
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /error/i.test(line))?.trim() ?? lines.at(-1)?.trim() ?? `exit code ${status}`;
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

import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { packageRoot } from '../model/input/packageFiles.ts';
import { shown, UserError } from '../model/input/userError.ts';
import { type Environment, runLogged } from './command.ts';
import { CudaParts, usualPlaces } from './cudaParts.ts';
import { BUNDLED_ARGUMENTS } from './programFlags.ts';
import { editNotes, type GeneratedProgram, readPrograms } from './programFolder.ts';
import { superproject } from './superproject.ts';

export interface BundleOptions {
  /** A file that ends in `.tar`, or a folder that does not exist yet. */
  out: string;
  /** Takes cudnn-frontend's headers along, which GPU machines seldom have. */
  withHeaders?: boolean;
  /** Arguments that measure.sh gives the programs unless it is given others; its own where left out. */
  args?: readonly string[];
  /** Those of one program, in place of `args`; null where it has none of its own. */
  argumentsOf?: (id: string) => readonly string[] | null;
  /** The hand-written runtime; the package's own where not given. */
  runtime?: string;
  env?: Environment;
}

export interface Bundle {
  out: string;
  /** Paths inside it, sorted. */
  files: string[];
  notes: string[];
}

/** What the bundle's folder is called in the tar file. */
const NAME = 'chunkflow-bundle';
const TEXTS = join(packageRoot, 'build', 'bundle');

/**
 * Packs generated programs with everything that building and measuring them elsewhere takes. The same programs always give
 * the same bytes.
 *
 * @throws UserError for an output that is in the way or cannot be written, and for headers that are not here.
 */
export async function bundle(dirs: readonly string[], options: BundleOptions): Promise<Bundle> {
  const programs = readPrograms(dirs);
  const out = resolve(options.out);
  const packed = extname(out) === '.tar';
  refuseOutput(out, packed);
  // Beside its final place, so that the last step is a rename.
  const work = mkdtempSync(`${out}.tmp-`);
  try {
    const folder = join(work, NAME);
    fill(folder, programs, options);
    const files = await seal(folder);
    const result = packed ? await pack(work) : folder;
    renameSync(result, out);
    return { out, files, notes: editNotes(programs) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function fill(folder: string, programs: readonly GeneratedProgram[], options: BundleOptions): void {
  mkdirSync(join(folder, 'programs'), { recursive: true });
  cpSync(options.runtime ?? join(packageRoot, 'runtime'), join(folder, 'runtime'), { recursive: true });
  for (const program of programs) copyProgram(program, join(folder, 'programs', program.manifest.id));
  const project = superproject({
    runtime: 'runtime',
    programs: programs.map(({ manifest: { id } }) => ({ id, folder: `programs/${id}` })),
  });
  writeFileSync(join(folder, 'CMakeLists.txt'), project);
  const list = programs.map(({ manifest: { id, target } }) => `${id} ${target}\n`);
  writeFileSync(join(folder, 'programs.txt'), list.join(''));
  const { args, argumentsOf = () => null } = options;
  if (args !== undefined) writeArguments(folder, args);
  for (const { manifest } of programs) {
    const own = argumentsOf(manifest.id);
    if (own !== null) writeArguments(join(folder, 'programs', manifest.id), own);
  }
  copyFileSync(join(TEXTS, 'README.txt'), join(folder, 'README.txt'));
  writeFileSync(join(folder, 'measure.sh'), measureScript());
  if (options.withHeaders) copyHeaders(folder, options.env);
}

/** The script that builds and measures, with what it gives the programs where nobody says otherwise. */
function measureScript(): string {
  const text = readFileSync(join(TEXTS, 'measure.sh'), 'utf8');
  return text.replaceAll('@ARGUMENTS@', BUNDLED_ARGUMENTS.join(' '));
}

function writeArguments(folder: string, args: readonly string[]): void {
  writeFileSync(join(folder, 'arguments.txt'), args.map((argument) => `${argument}\n`).join(''));
}

/** What was generated, and nothing that was built or put there since. */
function copyProgram({ folder, manifest }: GeneratedProgram, to: string): void {
  for (const name of new Set([
    'manifest.json',
    'CMakeLists.txt',
    ...manifest.files.map((file) => file.name),
  ])) {
    mkdirSync(dirname(join(to, name)), { recursive: true });
    copyFileSync(join(folder, name), join(to, name));
  }
}

function copyHeaders(folder: string, env: Environment = process.env): void {
  const headers = new CudaParts(env, usualPlaces).frontend();
  if (headers === null) {
    throw new UserError('--with-headers: cudnn_frontend.h is nowhere here; get it: npm run cuda-wheels');
  }
  const to = join(folder, 'third_party', 'cudnn-frontend', 'include');
  // Wheels share the folder with other packages' headers.
  const own = readdirSync(headers.path).filter((name) => name.startsWith('cudnn_'));
  for (const name of own) {
    cpSync(join(headers.path, name), join(to, name), { recursive: true, dereference: true });
  }
}

/** Writes the checksums and sets the same access rights everywhere. */
async function seal(folder: string): Promise<string[]> {
  const files = filesIn(folder);
  const sums = files.map((name) => {
    const hash = createHash('sha256').update(readFileSync(join(folder, name)));
    return `${hash.digest('hex')}  ${name}\n`;
  });
  writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const executable = entry.isDirectory() || entry.name.endsWith('.sh');
    chmodSync(join(entry.parentPath, entry.name), executable ? 0o755 : 0o644);
  }
  return [...files, 'SHA256SUMS'].sort();
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

async function pack(work: string): Promise<string> {
  const tar = join(work, `${NAME}.tar`);
  const same = ['--format=ustar', '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  const { exitCode, log } = await runTar(['--create', `--file=${tar}`, ...same, `--directory=${work}`, NAME]);
  if (exitCode !== 0) throw new UserError(`tar failed: ${log.trim().split('\n')[0]}; give a folder as --out`);
  return tar;
}

async function runTar(args: readonly string[]): Promise<{ exitCode: number; log: string }> {
  try {
    return await runLogged('tar', args);
  } catch {
    throw new UserError('tar is missing: sudo apt-get install tar; or give a folder as --out');
  }
}

function refuseOutput(out: string, packed: boolean): void {
  if (/\.(tgz|gz|xz|zst|zip)$/.test(out)) {
    throw new UserError(
      `--out ${shown(basename(out))}: give a .tar file or a folder; compress it afterwards`,
    );
  }
  if (!existsSync(dirname(out))) {
    throw new UserError(`--out ${shown(out)}: there is no folder ${shown(dirname(out))}; make it first`);
  }
  if (!packed && existsSync(out)) {
    throw new UserError(`--out ${shown(out)}: exists already; remove it or give another name`);
  }
}

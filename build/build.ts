import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { packageRoot } from '../model/input/packageFiles.ts';
import { shown, UserError } from '../model/input/userError.ts';
import { type Environment, findCommand, runLogged } from './command.ts';
import { firstError } from './compilerLog.ts';
import { usualPlaces } from './cudaParts.ts';
import { editNotes, type GeneratedProgram, readPrograms } from './programFolder.ts';
import { superproject } from './superproject.ts';
import { type Backend, findToolchain, missingFor } from './toolchain.ts';

export interface BuildOptions {
  backend: Backend;
  sanitize?: 'thread' | 'address';
  /** Of GPUs, such as `90`; the runtime's default where not given. */
  architectures?: readonly string[];
  /** Compilers at once; the build tool's default where not given. */
  jobs?: number;
  /** Where build folders go; `out/build` where not given. */
  outDir?: string;
  /** The hand-written runtime; the package's own where not given. */
  runtime?: string;
  /** What starts the build tools, such as a container's; its own tools are looked for by CMake alone. */
  launcher?: readonly string[];
  env?: Environment;
}

export interface BuiltProgram extends GeneratedProgram {
  library: string;
  executable: string;
}

export interface Build {
  folder: string;
  /** What the tools printed. */
  log: string;
  programs: BuiltProgram[];
  notes: string[];
}

/**
 * Compiles generated programs with the runtime under them, all in one build folder that is kept for the next time: what has
 * not changed is not compiled again.
 *
 * @throws UserError for what is missing on this machine, and for what does not compile: the first error and the log's path.
 */
export async function buildPrograms(dirs: readonly string[], options: BuildOptions): Promise<Build> {
  const programs = readPrograms(dirs);
  const runtime = resolve(options.runtime ?? join(packageRoot, 'runtime'));
  const { launcher = [] } = options;
  if (launcher.length === 0) requireTools(options);
  const project = superproject({
    runtime,
    programs: programs.map(({ folder, manifest }) => ({ id: manifest.id, folder })),
  });
  const settings = cmakeSettings(options);
  const folder = join(
    resolve(options.outDir ?? join('out', 'build')),
    `${options.backend}-${hash([project, ...settings])}`,
  );
  const log = join(folder, 'build.log');
  const ninja = launcher.length === 0 ? findCommand('ninja', options.env) : null;
  const generator = ninja === null ? 'Unix Makefiles' : 'Ninja';
  prepareFolder(folder, project, generator);

  const build = join(folder, 'build');
  const tools = { log, launcher, env: options.env };
  await step('cmake', ['-S', folder, '-B', build, '-G', generator, ...settings], { ...tools, append: false });
  const targets = programs.flatMap(({ manifest: { target } }) => [target, `${target}_run`]);
  const jobs = options.jobs === undefined ? [] : [String(options.jobs)];
  const parallel = jobs.length > 0 || generator !== 'Ninja' ? ['--parallel', ...jobs] : [];
  await step('cmake', ['--build', build, ...parallel, '--target', ...targets], {
    ...tools,
    append: true,
  });
  return {
    folder,
    log,
    programs: programs.map((program) => ({ ...program, ...binariesOf(build, program) })),
    notes: editNotes(programs),
  };
}

function requireTools({ backend, env }: BuildOptions): void {
  const parts = findToolchain(env);
  const [missing] = missingFor(parts, backend);
  if (missing === undefined) return;
  const other = backend === 'cuda' && missingFor(parts, 'host').length === 0 ? ', or use --backend host' : '';
  throw new UserError(
    `${missing.name} is missing, which the ${backend} backend is built with; get it: ${missing.remedy}${other}`,
  );
}

function cmakeSettings({ backend, sanitize, architectures }: BuildOptions): string[] {
  const wrong = architectures?.find((name) => !/^\d+[af]?$/.test(name));
  if (wrong !== undefined) {
    throw new UserError(`architecture ${shown(wrong)}: expected a number of a GPU generation such as 90`);
  }
  return [
    `-DCHUNKFLOW_BACKEND=${backend}`,
    `-DCHUNKFLOW_WHEELS=${usualPlaces.wheels}`,
    `-DCHUNKFLOW_SANITIZE=${sanitize ?? ''}`,
    ...(architectures === undefined ? [] : [`-DCHUNKFLOW_ARCHITECTURES=${architectures.join(';')}`]),
  ];
}

function prepareFolder(folder: string, project: string, generator: string): void {
  mkdirSync(folder, { recursive: true });
  const cache = join(folder, 'build', 'CMakeCache.txt');
  // CMake refuses a build folder that another generator has made.
  if (existsSync(cache) && !readFileSync(cache, 'utf8').includes(`CMAKE_GENERATOR:INTERNAL=${generator}\n`)) {
    rmSync(join(folder, 'build'), { recursive: true });
  }
  const file = join(folder, 'CMakeLists.txt');
  // A new modification time alone makes CMake configure everything again.
  if (!existsSync(file) || readFileSync(file, 'utf8') !== project) writeFileSync(file, project);
}

interface Tools {
  log: string;
  launcher: readonly string[];
  env: Environment | undefined;
}

async function step(
  command: string,
  args: readonly string[],
  { log, append, launcher, env }: Tools & { append: boolean },
): Promise<void> {
  const [first, ...rest] = [...launcher, command, ...args];
  const { exitCode, log: text } = await runLogged(first!, rest, env);
  writeFileSync(log, `$ ${command} ${args.join(' ')}\n${text}`, { flag: append ? 'a' : 'w' });
  if (exitCode === 0) return;
  throw new UserError(
    `the build failed: ${firstError(text) ?? `cmake ended with ${exitCode}`} (all of it: ${log})`,
  );
}

function binariesOf(
  build: string,
  { manifest }: GeneratedProgram,
): Pick<BuiltProgram, 'library' | 'executable'> {
  return {
    library: join(build, 'bin', `lib${manifest.target}.so`),
    executable: join(build, 'bin', `${manifest.target}_run`),
  };
}

function hash(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12);
}

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { BuildOptions, BuiltProgram } from '../../build/build.ts';
import { buildEach } from '../../build/buildEach.ts';
import { readManifest } from '../../codegen/manifest.ts';
import { parseJson } from '../../model/input/jsonFile.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { UserError } from '../../model/input/userError.ts';
import { checked } from '../../model/input/yamlFile.ts';

/** What is built for all elements: the folders of generated programs, and how. */
const requestFormat = z.strictObject({
  schema: z.literal('chunkflow/build-request@1'),
  folders: z.array(z.string()).min(1),
  backend: z.enum(['cuda', 'host']),
  sanitize: z.enum(['thread', 'address']).optional(),
  architectures: z.array(z.string()).optional(),
  jobs: z.int().min(1).optional(),
});

const builtFormat = z.strictObject({
  schema: z.literal('chunkflow/built@1'),
  programs: z.record(z.string(), z.strictObject({ library: z.string(), executable: z.string() })),
  failures: z.record(z.string(), z.string()).describe('why a program could not be built'),
});

export type BuildRequest = Omit<z.output<typeof requestFormat>, 'schema'>;
export type Built = z.output<typeof builtFormat>;

/** How programs are built for job arrays. */
export type JobBuild = Pick<BuildOptions, 'backend' | 'sanitize' | 'architectures' | 'jobs'>;

const REQUEST = 'request.json';
const BUILT = 'built.json';

/**
 * Keeps what is to be built in a folder whose name says it: programs, compilers' settings, runtime and container. Asked for the
 * same again, it is the same folder, and what it holds is not built again.
 */
export function keepBuildRequest(
  root: string,
  folders: readonly string[],
  { backend, sanitize, architectures, jobs }: JobBuild,
  image: string | null,
): string {
  const fingerprints = folders.map((folder) => `${folder} ${readManifest(folder).fingerprint}`);
  const settings = JSON.stringify([backend, sanitize, architectures, image]);
  const key = createHash('sha256').update([settings, runtimeHash(), ...fingerprints].join('\n'));
  const folder = join(root, 'build', `${backend}-${key.digest('hex').slice(0, 12)}`);
  const request = {
    schema: 'chunkflow/build-request@1',
    ...{ folders, backend, sanitize, architectures, jobs },
  };
  mkdirSync(folder, { recursive: true });
  writeWhole(join(folder, REQUEST), request);
  return folder;
}

/** Names the runtime's sources: programs are built anew where they have changed. */
function runtimeHash(): string {
  const hash = createHash('sha256');
  const folder = join(packageRoot, 'runtime');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  for (const file of files.map(({ parentPath, name }) => join(parentPath, name)).sort())
    hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

/** What stands built in such a folder; null where nothing does. */
export function builtIn(folder: string): Built | null {
  const file = join(folder, BUILT);
  if (!existsSync(file)) return null;
  return checked(parseJson(file, readFileSync(file, 'utf8'), 'remove it, and submit anew'), builtFormat);
}

/** Whether all of it is built, and still there. */
export function isBuilt(folder: string): boolean {
  const built = builtIn(folder);
  if (built === null || Object.keys(built.failures).length > 0) return false;
  return Object.values(built.programs).every(({ executable }) => existsSync(executable));
}

/** The programs that were asked for, by id. */
export function requestedPrograms(folder: string): Map<string, Omit<BuiltProgram, 'library' | 'executable'>> {
  const programs = readRequest(folder).folders.map((source) => {
    const manifest = readManifest(source);
    return [manifest.id, { folder: source, manifest, edited: [] as string[] }] as const;
  });
  return new Map(programs);
}

/** @throws UserError for a program that was not asked for or not built, with the reason. */
export function builtProgram(folder: string, id: string): BuiltProgram {
  const program = requestedPrograms(folder).get(id);
  const built = builtIn(folder);
  const binaries = built?.programs[id];
  if (program !== undefined && binaries !== undefined) return { ...program, ...binaries };
  throw new UserError(built?.failures[id] ?? `was not built in ${folder}; submit it anew`);
}

/**
 * Builds what was asked for, in a folder of this start's own: an earlier one whose node was cut off may still be compiling. What
 * is built stands there for all at once.
 *
 * @param name of the start, such as job and restart.
 * @throws UserError where nothing could be built.
 */
export async function buildRequested(
  folder: string,
  name: string,
  launcher: readonly string[],
  onNote: (text: string) => void,
): Promise<Built> {
  const { folders, schema: _, backend, sanitize, architectures, jobs = coresOfJob() } = readRequest(folder);
  const options: BuildOptions = {
    ...{ backend, launcher, outDir: join(folder, name) },
    ...(sanitize === undefined ? {} : { sanitize }),
    ...(architectures === undefined ? {} : { architectures }),
    ...(jobs === undefined ? {} : { jobs }),
  };
  const { programs, failed } = await buildEach(folders, folders, options, onNote);
  const built: Built = {
    schema: 'chunkflow/built@1',
    programs: Object.fromEntries(
      programs.map(({ manifest, library, executable }) => [manifest.id, { library, executable }]),
    ),
    failures: Object.fromEntries([...failed].map(([source, why]) => [readManifest(source).id, why])),
  };
  writeWhole(join(folder, BUILT), built);
  return built;
}

/** Compilers at once in a job, which may have fewer cores than its node. */
function coresOfJob(): number | undefined {
  const { SLURM_CPUS_PER_TASK: ofTask, SLURM_CPUS_ON_NODE: ofNode } = process.env;
  const cores = ofTask ?? ofNode;
  return cores === undefined ? undefined : Number(cores);
}

function readRequest(folder: string): z.output<typeof requestFormat> {
  const file = join(folder, REQUEST);
  return checked(parseJson(file, readFileSync(file, 'utf8'), 'submit it anew'), requestFormat);
}

function writeWhole(file: string, value: unknown): void {
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, `${JSON.stringify(value, null, 1)}\n`);
  renameSync(fresh, file);
}

import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '../../model/input/jsonFile.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import { checked } from '../../model/input/yamlFile.ts';
import { type Column, columnsOf } from './columns.ts';
import type { Grid } from './grid.ts';
import type { Provenance } from './provenance.ts';
import type { Sweep } from './sweep.ts';
import { Tasks } from './tasks.ts';

const MANIFEST = 'sweep.json';
const PARTS = 'parts';
const FAILED = 'failed';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** What a results folder says of its sweep. */
const manifestFormat = z.strictObject({
  schema: z.literal('chunkflow/sweep-results@1'),
  sweep: z.string(),
  hash: hash.describe("SHA-256 of the sweep's file"),
  inputs: z.array(z.strictObject({ file: z.string(), hash })).describe('files that it names'),
  points: z.int().min(1),
  tasks: z.int().min(1),
  version: z.string().describe('of chunkflow: another may number points otherwise'),
  grids: z.array(
    z.strictObject({
      name: z.string(),
      ask: z.string(),
      points: z.int().min(1),
      axes: z.array(
        z.strictObject({
          name: z.string(),
          count: z.int().min(1),
          values: z.array(z.unknown()).describe('the first 1000'),
        }),
      ),
    }),
  ),
  columns: z.array(z.strictObject({ name: z.string(), type: z.string(), means: z.string() })),
});

export type Manifest = z.output<typeof manifestFormat>;

/** Parquet's mark at both ends of a file. */
const MAGIC = 'PAR1';

/** A task that broke, not one whose points do not fit together. */
export interface Failure {
  task: number;
  error: string;
  node: string;
  at: string;
}

/** The results of one sweep: a manifest, and a Parquet file for every task that is done. */
export class ResultsFolder {
  readonly path: string;
  readonly manifest: Manifest;

  private constructor(path: string, manifest: Manifest) {
    this.path = path;
    this.manifest = manifest;
  }

  /** @throws UserError for a folder that holds no sweep's results. */
  static read(path: string): ResultsFolder {
    const file = join(path, MANIFEST);
    if (!existsSync(file))
      throw new UserError(`${shown(path)}: has no ${MANIFEST}; give the --results of a \`chunkflow sweep\``);
    const source = parseJson(file, readFileSync(file, 'utf8'), 'begin the sweep in another folder');
    return new ResultsFolder(path, checked(source, manifestFormat));
  }

  /**
   * Opens a sweep's results, or begins them where the folder is empty.
   *
   * @throws UserError for results of another sweep, of another version's, or whose inputs have changed; for other folders with something in them.
   */
  static open(path: string, sweep: Sweep, { version }: Provenance): ResultsFolder {
    const manifest = manifestOf(sweep, version);
    if (!existsSync(join(path, MANIFEST))) begin(path, manifest);
    const folder = ResultsFolder.read(path);
    refuseOther(folder, manifest);
    return folder;
  }

  partFile(task: number): string {
    return join(this.path, PARTS, `part-${String(task).padStart(8, '0')}.parquet`);
  }

  /** Numbers of the tasks that are done, ascending. */
  done(): number[] {
    return numbersIn(join(this.path, PARTS), /^part-(\d+)\.parquet$/);
  }

  partFiles(): string[] {
    return this.done().map((task) => this.partFile(task));
  }

  /** Moves a part that a failing disk has cut away, so that its task is done anew; returns whether it was whole. */
  keepWhole(task: number): boolean {
    const file = this.partFile(task);
    if (isWhole(file)) return true;
    renameSync(file, `${file}.damaged`);
    return false;
  }

  /** Keeps why a task broke; the next start tries it again. */
  fail(failure: Failure): void {
    const folder = join(this.path, FAILED);
    mkdirSync(folder, { recursive: true });
    writeInPlace(join(folder, `task-${failure.task}.json`), `${JSON.stringify(failure)}\n`);
  }

  succeed(task: number): void {
    rmSync(join(this.path, FAILED, `task-${task}.json`), { force: true });
  }

  failures(): Failure[] {
    const folder = join(this.path, FAILED);
    const failed = numbersIn(folder, /^task-(\d+)\.json$/).filter((task) => !existsSync(this.partFile(task)));
    return failed.flatMap((task) => {
      try {
        return [JSON.parse(readFileSync(join(folder, `task-${task}.json`), 'utf8')) as Failure];
      } catch (error) {
        // Done, or tried again, in between.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
    });
  }
}

function manifestOf({ name, hash, inputs, points, grids }: Sweep, version: string): Manifest {
  return {
    schema: 'chunkflow/sweep-results@1',
    ...{ sweep: name, hash, inputs: [...inputs], points, tasks: new Tasks(grids).count, version },
    grids: grids.map(gridFacts),
    columns: columnsOf(grids).map((column: Column) => ({ ...column })),
  };
}

/** Values of an axis that the manifest lists. */
const MOST_VALUES = 1000;

function gridFacts({ name, ask, points, axes }: Grid): Manifest['grids'][number] {
  const expanded = axes.map(({ name, values }) => ({
    ...{ name, count: values.length, values: values.slice(0, MOST_VALUES) },
  }));
  return { name, ask, points, axes: expanded };
}

function begin(path: string, manifest: Manifest): void {
  try {
    mkdirSync(path, { recursive: true });
    const others = readdirSync(path).filter((name) => !name.startsWith(MANIFEST));
    if (others.length > 0)
      throw new UserError(
        `--results ${shown(path)}: holds ${shown(others[0])} and no ${MANIFEST}; give an empty or a new folder`,
      );
    const own = join(path, `${MANIFEST}.${hostname()}.${process.pid}`);
    writeFileSync(own, `${JSON.stringify(manifest, null, 1)}\n`, { flush: true });
    try {
      // Of several that begin at once one is first; the others are held against it.
      linkSync(own, join(path, MANIFEST));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(own, { force: true });
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UserError(`--results ${shown(path)}: cannot be written (${code}); give another folder`);
  }
}

function refuseOther({ path, manifest }: ResultsFolder, own: Manifest): void {
  const refuse = (why: string): never => {
    throw new UserError(`--results ${shown(path)}: ${why}; give another folder`);
  };
  if (manifest.sweep !== own.sweep)
    refuse(`holds results of the sweep ${manifest.sweep}, not of ${own.sweep}`);
  if (manifest.hash !== own.hash) refuse("the sweep's file has changed since these results were begun");
  for (const { file, hash } of own.inputs) {
    if (manifest.inputs.find((input) => input.file === file)?.hash !== hash)
      refuse(`${file} is not what it was when these results were begun`);
  }
  if (manifest.version !== own.version)
    refuse(`holds results of chunkflow ${manifest.version}, this is ${own.version}`);
}

function numbersIn(folder: string, pattern: RegExp): number[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .flatMap((name) => pattern.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function writeInPlace(file: string, text: string): void {
  const own = `${file}.${hostname()}.${process.pid}.tmp`;
  writeFileSync(own, text);
  renameSync(own, file);
}

function isWhole(file: string): boolean {
  const { size } = statSync(file);
  if (size < 2 * MAGIC.length) return false;
  const descriptor = openSync(file, 'r');
  try {
    const ends = [0, size - MAGIC.length].map((at) => {
      const bytes = Buffer.alloc(MAGIC.length);
      readSync(descriptor, bytes, 0, MAGIC.length, at);
      return bytes.toString('latin1');
    });
    return ends.every((end) => end === MAGIC);
  } finally {
    closeSync(descriptor);
  }
}

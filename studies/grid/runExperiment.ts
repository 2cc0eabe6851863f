import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BuildOptions, BuiltProgram } from '../../build/build.ts';
import { buildEach } from '../../build/buildEach.ts';
import { onStop, stoppable } from '../../build/stopSignals.ts';
import { type Manifest, readManifest } from '../../codegen/manifest.ts';
import { type MeasureOptions, measurePrograms } from '../../measure/measurePrograms.ts';
import { UserError } from '../../model/input/userError.ts';
import { cellFiles, resultsFileOf } from './cellFiles.ts';
import { writeCellProgram } from './cellProgram.ts';
import { cellProgress } from './cellProgress.ts';
import type { Cell, Experiment } from './experimentFile.ts';
import { keepManifest } from './keptManifests.ts';
import { readyToAppend } from './resultsFile.ts';
import { lockProgram, lockResults } from './runLock.ts';

export interface ExperimentRun {
  /** Folder that holds a file for each cell, `<cell id>.jsonl`. */
  results: string;
  build: BuildOptions;
  /** One line at a time. */
  onNote: (text: string) => void;
  /** A cell is about to be measured: the plans that are missing, and its place among the cells that miss some. */
  onCell: (cell: Cell, plans: number, index: number, count: number) => void;
  /** Writes the program of a cell under a folder; the generated one where not given. */
  writeProgram?: (cell: Cell, parent: string) => string;
}

export interface CellOutcome {
  cell: Cell;
  /** Null where all its plans are measured. */
  failure: string | null;
}

/** A cell with something left to measure. */
interface OpenCell {
  cell: Cell;
  folder: string;
  file: string;
  manifest: Manifest;
  missing: readonly number[];
}

/**
 * Measures what an experiment's results lack, cell by cell; what is done is not measured again, so an experiment that was
 * cut off is continued by starting it anew. A cell that fails does not keep the others from running.
 *
 * @throws UserError where another process runs an experiment with the same results, or they cannot be written; StoppedError
 * where SIGINT, SIGTERM or SIGHUP has ended the program that was running. The results are then free again.
 */
export function runExperiment(
  experiment: Experiment,
  cells: readonly Cell[],
  options: ExperimentRun,
): Promise<CellOutcome[]> {
  return stoppable(options.onNote, () => runCells(experiment, cells, options));
}

async function runCells(
  { measure }: Experiment,
  cells: readonly Cell[],
  options: ExperimentRun,
): Promise<CellOutcome[]> {
  refuseOwnArguments(measure);
  const unlock = lockResults(options.results);
  const keep = onStop(unlock);
  try {
    const failures = new Map<Cell, string>();
    const open = await openCells(cells, options, failures);
    const built = open.some(({ missing }) => missing.length > 0)
      ? await buildCells(open, options, failures)
      : [];
    const todo = open.filter(({ missing, cell }) => missing.length > 0 && !failures.has(cell));
    for (const [index, entry] of todo.entries()) {
      options.onCell(entry.cell, entry.missing.length, index, todo.length);
      const program = built.find(({ folder }) => folder === entry.folder)!;
      await attempt(entry.cell, failures, () => measureCell(entry, program, measure, options));
    }
    return cells.map((cell) => ({ cell, failure: failures.get(cell) ?? null }));
  } finally {
    keep();
    unlock();
  }
}

/** @throws UserError for arguments that a run of the experiment gives itself. */
export function refuseOwnArguments(measure: readonly string[]): void {
  const own = measure.find((argument) => argument === '--plans' || argument === '--out');
  if (own !== undefined)
    throw new UserError(`measure: ${own} is given by the experiment itself; leave it out`);
}

/** Does something for a cell, and keeps why it could not be done. */
async function attempt<T>(
  cell: Cell,
  failures: Map<Cell, string>,
  work: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    failures.set(cell, error.message);
    return undefined;
  }
}

async function openCells(
  cells: readonly Cell[],
  options: ExperimentRun,
  failures: Map<Cell, string>,
): Promise<OpenCell[]> {
  const open: OpenCell[] = [];
  for (const cell of cells) {
    const entry = await attempt(cell, failures, () => openCell(cell, options));
    if (entry !== undefined) open.push(entry);
  }
  return open;
}

async function openCell(
  cell: Cell,
  { results, onNote, writeProgram = writeCellProgram }: ExperimentRun,
): Promise<OpenCell> {
  const folder = resolve(writeProgram(cell, join(results, 'sources')));
  const manifest = readManifest(folder);
  keepManifest(results, manifest);
  const file = resultsFileOf(results, cell.id);
  await readyFile(results, cell, file, onNote);
  const { missing, olderFingerprints } = cellProgress(cellFiles(results, cell.id).files, manifest);
  if (missing.length > 0 && olderFingerprints.length > 0) {
    onNote(
      `${cell.id}: has changed since ${file} was measured (fingerprint ${manifest.fingerprint}, was ${olderFingerprints.join(', ')}); it is measured anew, the old records stay`,
    );
  }
  return { cell, folder, file, manifest, missing };
}

/** @throws UserError where an element of a job array measures the cell now. */
async function readyFile(
  results: string,
  { id }: Cell,
  file: string,
  onNote: ExperimentRun['onNote'],
): Promise<void> {
  if (!existsSync(file)) return;
  const unlock = lockProgram(results, id);
  try {
    await readyToAppend(file, onNote);
  } finally {
    unlock();
  }
}

/** Builds all cells, done or not: the same set has the same build folder. */
async function buildCells(
  open: readonly OpenCell[],
  { build, onNote }: ExperimentRun,
  failures: Map<Cell, string>,
): Promise<BuiltProgram[]> {
  const wanted = open.filter(({ missing }) => missing.length > 0);
  const all = open.map(({ folder }) => folder);
  const { programs, failed } = await buildEach(
    all,
    wanted.map(({ folder }) => folder),
    build,
    onNote,
  );
  for (const { cell, folder } of wanted) {
    const why = failed.get(folder);
    if (why !== undefined) failures.set(cell, why);
  }
  return programs;
}

async function measureCell(
  entry: OpenCell,
  program: BuiltProgram,
  measure: readonly string[],
  { results, onNote }: ExperimentRun,
): Promise<void> {
  const { cell, file, manifest } = entry;
  const unlock = lockProgram(results, cell.id);
  const keep = onStop(unlock);
  try {
    // Jobs may have measured it since it was opened.
    const { missing } = cellProgress(cellFiles(results, cell.id).files, manifest);
    if (missing.length > 0) await measurePlans({ ...entry, missing }, program, measure, { file, onNote });
  } finally {
    keep();
    unlock();
  }
}

/** How some plans of a program are measured. */
export interface PlansRun extends Pick<MeasureOptions, 'launch' | 'onNote'> {
  /** Records are appended to it. */
  file: string;
}

/**
 * Measures the plans of a cell that are missing.
 *
 * @throws UserError where the run failed, or ended without their results.
 */
export async function measurePlans(
  { manifest, missing }: { manifest: Manifest; missing: readonly number[] },
  program: BuiltProgram,
  measure: readonly string[],
  { file, ...options }: PlansRun,
): Promise<void> {
  const whole = missing.length === manifest.plans.length;
  // A process of its own: what breaks in one cell leaves the device to the next.
  const [run] = await measurePrograms([program], {
    ...options,
    args: whole ? measure : [...measure, '--plans', missing.join(',')],
    outFile: () => file,
    runner: 'executable',
  });
  if (run!.failure !== null) throw new UserError(run!.failure);
  const left = cellProgress([file], manifest).missing.filter((plan) => missing.includes(plan));
  if (left.length > 0) {
    throw new UserError(
      `the run of ${manifest.id} ended without results of ${left.length} plans: see ${file}`,
    );
  }
}

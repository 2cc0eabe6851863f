import { join, resolve } from 'node:path';
import { type Manifest, readManifest } from '../../codegen/manifest.ts';
import { UserError } from '../../model/input/userError.ts';
import { cellFiles } from '../grid/cellFiles.ts';
import { cellProgram, writeCellProgram } from '../grid/cellProgram.ts';
import { cellProgress } from '../grid/cellProgress.ts';
import type { Cell, Experiment } from '../grid/experimentFile.ts';
import { keepManifest } from '../grid/keptManifests.ts';
import { refuseOwnArguments } from '../grid/runExperiment.ts';
import { lockResults } from '../grid/runLock.ts';
import type { PlannedItem } from './arrays.ts';
import type { JobPlace } from './places.ts';
import { ranksStarted } from './ranksStarted.ts';
import { shapeOf } from './srun.ts';
import { itemStates, type Wanted } from './states.ts';
import { type JobOptions, submitMeasurements } from './submit.ts';

/** A cell in one of its places, with the program that is generated of it now. */
export interface WantedCell extends Wanted {
  cell: Cell;
  manifest: Manifest;
}

export interface SubmittedExperiment {
  /** Numbers of jobs; none where all is done or queued. */
  jobs: string[];
  /** All cells in all places. */
  wanted: WantedCell[];
  /** Cells that are in the jobs. */
  submitted: number;
  /** Cells that no program can be made of. */
  failures: { id: string; why: string }[];
}

/** What a results folder is to hold of some cells; those that no program can be made of are told apart. */
export function wantedCells(
  cells: readonly Cell[],
  places: readonly JobPlace[],
): Pick<SubmittedExperiment, 'wanted' | 'failures'> {
  const failures: SubmittedExperiment['failures'] = [];
  const programs = cells.flatMap((cell) => {
    try {
      return [{ cell, manifest: cellProgram(cell).manifest }];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      failures.push({ id: cell.id, why: error.message });
      return [];
    }
  });
  const wanted = places.flatMap((place) =>
    programs.map(({ cell, manifest }) => ({
      ...place,
      ...{ id: cell.id, fingerprint: manifest.fingerprint, cell, manifest },
      isDone: () => cellProgress(cellFiles(place.results, cell.id).files, manifest).missing.length === 0,
    })),
  );
  return { wanted, failures };
}

/**
 * Submits what the results of an experiment lack and nothing in the queue will measure.
 *
 * @param root folder of the results, on a file system that all nodes see.
 * @throws UserError where another start submits to the same results, or Slurm refuses.
 */
export async function submitExperiment(
  { name, measure }: Experiment,
  cells: readonly Cell[],
  places: readonly JobPlace[],
  root: string,
  options: JobOptions,
): Promise<SubmittedExperiment> {
  refuseOwnArguments(measure);
  const unlock = lockResults(root);
  try {
    const { wanted, failures } = wantedCells(cells, places);
    const states = itemStates(root, wanted);
    const open = wanted.filter((_, index) => ['open', 'failed'].includes(states[index]!.is));
    if (open.length === 0) return { jobs: [], wanted, submitted: 0, failures };
    const items = open.map((item) => plannedItem(item, measure, options.ranksPerNode));
    // All of them, done or not: the same programs have the same build.
    const folders = new Map(wanted.map((item) => [item.id, writeSources(root, item)]));
    const request = { root, name, items, folders: [...folders.values()] };
    const jobs = await submitMeasurements(
      { ...request, work: { kind: 'experiment', measure: [...measure] } },
      options,
    );
    return { jobs, wanted, submitted: open.length, failures };
  } finally {
    unlock();
  }
}

function plannedItem(
  { id, fingerprint, results, node, manifest }: WantedCell,
  measure: readonly string[],
  ranksPerNode: number | null,
): PlannedItem {
  const ranks = ranksStarted(manifest, measure);
  const { nodes } = shapeOf(ranks, ranksPerNode);
  if (node !== null && nodes > 1)
    throw new UserError(
      `${id}: has ${ranks} ranks, which take ${nodes} nodes of ${ranksPerNode}; leave it out with --only, or measure without --each-node and --nodes`,
    );
  return { id, fingerprint, results, node, ranks };
}

/** Sources by fingerprint: what was submitted earlier keeps its own. */
function writeSources(root: string, { cell, results, manifest }: WantedCell): string {
  const folder = resolve(writeCellProgram(cell, join(root, 'sources', manifest.fingerprint)));
  keepManifest(results, readManifest(folder));
  return folder;
}

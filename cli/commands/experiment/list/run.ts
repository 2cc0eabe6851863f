import { resolve } from 'node:path';
import { UserError } from '../../../../model/input/userError.ts';
import { cellFiles } from '../../../../studies/grid/cellFiles.ts';
import { cellProgram } from '../../../../studies/grid/cellProgram.ts';
import { cellProgress } from '../../../../studies/grid/cellProgress.ts';
import { type Cell, cellsOf, readExperiment } from '../../../../studies/grid/experimentFile.ts';
import { wantedCells } from '../../../../studies/jobs/experimentJobs.ts';
import { type JobPlace, submittedPlaces } from '../../../../studies/jobs/places.ts';
import { type ItemState, itemStates } from '../../../../studies/jobs/states.ts';
import type { Output } from '../../../output.ts';
import { stateText } from '../../../text/jobsText.ts';
import { type Column, formatTable } from '../../../text/table.ts';

interface Row {
  cell: Cell;
  place: JobPlace | null;
  done: number | null;
  /** Null where nothing was submitted, or Slurm cannot be asked. */
  state: ItemState | null;
}

/** Shows the cells of an experiment and, where there are results, how far each is and what of it is queued. */
export function run(file: string, flags: { results?: string }, output: Output): void {
  const experiment = readExperiment(file);
  const cells = cellsOf(experiment);
  const root = flags.results === undefined ? null : resolve(flags.results);
  const submitted = root === null ? [] : submittedPlaces(root);
  const rows = submitted.length === 0 ? plainRows(cells, root) : rowsOf(cells, submitted, root!, output);
  output.result(formatTable(columnsOf(rows, experiment.split), rows, output.layout));
  const plans = rows.reduce((sum, { cell }) => sum + cell.plans.length, 0);
  const done = rows.reduce((sum, row) => sum + (row.done ?? 0), 0);
  const measured = flags.results === undefined ? '' : `, ${done} of them measured`;
  output.diagnostic(`${experiment.name}: ${rows.length} cells, ${plans} plans${measured}\n`);
}

function columnsOf(rows: readonly Row[], split: string): Column<Row>[] {
  return [
    { header: 'cell', value: ({ cell }) => cell.id },
    ...(rows.some(({ place }) => place?.node)
      ? [{ header: 'node', value: ({ place }: Row) => place?.node ?? null }]
      : []),
    { header: 'plans', value: ({ cell }) => cell.plans.length },
    { header: 'split', value: () => split },
    { header: 'done', value: ({ done }) => done },
    ...(rows.some(({ state }) => state !== null)
      ? [{ header: 'Slurm', value: ({ state }: Row) => (state === null ? null : stateText(state)) }]
      : []),
  ];
}

function plainRows(cells: readonly Cell[], results: string | null): Row[] {
  return cells.map((cell) => ({
    ...{ cell, place: null, state: null },
    done: results === null ? null : doneIn(cell, results),
  }));
}

function rowsOf(cells: readonly Cell[], places: readonly JobPlace[], root: string, output: Output): Row[] {
  const { wanted } = wantedCells(cells, places);
  const states = askedStates(root, wanted, output);
  return places.flatMap((place) =>
    cells.map((cell): Row => {
      const index = wanted.findIndex(({ id, results }) => id === cell.id && results === place.results);
      return { cell, place, done: doneIn(cell, place.results), state: states?.[index] ?? null };
    }),
  );
}

function askedStates(
  root: string,
  wanted: Parameters<typeof itemStates>[1],
  output: Output,
): ItemState[] | null {
  try {
    return itemStates(root, wanted);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    output.diagnostic(`note: what is queued is not known: ${error.message}\n`);
    return null;
  }
}

function doneIn(cell: Cell, results: string): number {
  const { files } = cellFiles(results, cell.id);
  if (files.length === 0) return 0;
  const { missing } = cellProgress(files, cellProgram(cell).manifest);
  return cell.plans.length - missing.length;
}

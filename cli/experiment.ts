import { existsSync } from 'node:fs';
import { nearNames } from '../model/input/nearNames.ts';
import { shown, UserError } from '../model/input/userError.ts';
import { DatasetReader, eachStepLine } from '../studies/dataset/stepRecords.ts';
import { stepsParquet } from '../studies/dataset/stepsParquet.ts';
import { bundleExperiment } from '../studies/grid/bundleExperiment.ts';
import { cellProgram } from '../studies/grid/cellProgram.ts';
import { cellProgress } from '../studies/grid/cellProgress.ts';
import { collectSteps, collectTimeline } from '../studies/grid/collectSteps.ts';
import { type Cell, cellsOf, readExperiment } from '../studies/grid/experimentFile.ts';
import { resultsFileOf, runExperiment } from '../studies/grid/runExperiment.ts';
import { type BuildFlags, buildOptions } from './build.ts';
import type { Output } from './output.ts';
import { startProgress } from './progress.ts';
import { formatTable } from './table.ts';
import { writeWholeFile } from './wholeFile.ts';

/** Shows the cells of an experiment and, where there are results, how far each is. */
export function experimentList(file: string, flags: { results?: string }, output: Output): void {
  const experiment = readExperiment(file);
  const rows = cellsOf(experiment).map((cell) => ({ cell, done: doneOf(cell, flags.results) }));
  output.result(
    formatTable(
      [
        { header: 'cell', value: ({ cell }) => cell.id },
        { header: 'plans', value: ({ cell }) => cell.plans.length },
        { header: 'split', value: () => experiment.split },
        { header: 'done', value: ({ done }) => done },
      ],
      rows,
    ),
  );
  const plans = rows.reduce((sum, { cell }) => sum + cell.plans.length, 0);
  const done = rows.reduce((sum, row) => sum + (row.done ?? 0), 0);
  const measured = flags.results === undefined ? '' : `, ${done} of them measured`;
  output.diagnostic(`${experiment.name}: ${rows.length} cells, ${plans} plans${measured}\n`);
}

function doneOf(cell: Cell, results: string | undefined): number | null {
  if (results === undefined) return null;
  const file = resultsFileOf(results, cell);
  if (!existsSync(file)) return 0;
  const { missing } = cellProgress(file, cellProgram(cell).manifest);
  return cell.plans.length - missing.length;
}

/** Measures what an experiment's results lack. Returns the exit code: 1 when a cell failed. */
export async function experimentRun(
  file: string,
  flags: BuildFlags & { results: string; only?: string[] },
  output: Output,
): Promise<number> {
  const experiment = readExperiment(file);
  const cells = chosen(cellsOf(experiment), flags.only);
  // Lines of their own: the notes of the runs come in between.
  const lines = { ...output, terminal: false };
  let progress: ReturnType<typeof startProgress> | undefined;
  const outcomes = await runExperiment(experiment, cells, {
    results: flags.results,
    build: buildOptions(flags),
    onNote: (text) => output.diagnostic(`${text}\n`),
    onCell: ({ id }, plans, index, count) => {
      if (progress === undefined) progress = startProgress(lines, 'cells', count);
      else progress.advance();
      output.diagnostic(`cell ${index + 1} of ${count}: ${id}, ${plans} plans\n`);
    },
  });
  const failed = outcomes.filter(({ failure }) => failure !== null);
  output.result(
    `${outcomes.length - failed.length} of ${outcomes.length} cells are measured: ${flags.results}\n`,
  );
  for (const { cell, failure } of failed) output.diagnostic(`error: ${cell.id}: ${failure}\n`);
  return failed.length === 0 ? 0 : 1;
}

/** Packs the programs of an experiment for a machine that has no chunkflow. */
export async function experimentBundle(
  file: string,
  flags: { out: string; withHeaders?: boolean; only?: string[] },
  output: Output,
): Promise<void> {
  const experiment = readExperiment(file);
  const cells = chosen(cellsOf(experiment), flags.only);
  const { files, notes } = await bundleExperiment(experiment, cells, flags);
  for (const note of notes) output.diagnostic(`${note}\n`);
  output.result(
    `${flags.out}: ${cells.length} programs, ${files.length} files; unpack it there and run ./measure.sh\n`,
  );
}

/** Makes a dataset of an experiment's raw results. */
export function experimentCollect(
  file: string,
  flags: { results: string[]; out: string },
  output: Output,
): void {
  const { runs, notes } = collectSteps(readExperiment(file), flags.results);
  for (const note of notes) output.diagnostic(`note: ${note}\n`);
  if (runs.length === 0) throw new UserError(`${flags.results.join(', ')}: hold no step of the experiment`);
  writeWholeFile(flags.out, eachStepLine(runs));
  output.result(`${flags.out}: ${runs.length} steps\n`);
}

/** Writes the timeline of one measured step. */
export function experimentTimeline(
  file: string,
  flags: { results: string[]; cell: string; plan: string; out: string },
  output: Output,
): void {
  const record = collectTimeline(readExperiment(file), flags.results, flags.cell, flags.plan);
  writeWholeFile(flags.out, `${JSON.stringify(record)}\n`);
  output.result(`${flags.out}: ${record.timeline.intervals.length} intervals\n`);
}

/** Writes datasets as one flat Parquet table. */
export function experimentParquet(files: readonly string[], flags: { out: string }, output: Output): void {
  const { table, rows } = stepsParquet(new DatasetReader(files));
  writeWholeFile(flags.out, table);
  output.result(`${flags.out}: ${rows} rows\n`);
}

function chosen(cells: readonly Cell[], only: readonly string[] | undefined): readonly Cell[] {
  if (only === undefined) return cells;
  const ids = cells.map(({ id }) => id);
  const unknown = only.find((id) => !ids.includes(id));
  if (unknown !== undefined) {
    const near = nearNames(unknown, ids).join(', ');
    throw new UserError(`--only ${shown(unknown)}: is no cell of the experiment; nearest: ${near}`);
  }
  return cells.filter(({ id }) => only.includes(id));
}

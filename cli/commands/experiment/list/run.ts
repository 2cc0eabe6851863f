import { existsSync } from 'node:fs';
import { cellProgram } from '../../../../studies/grid/cellProgram.ts';
import { cellProgress } from '../../../../studies/grid/cellProgress.ts';
import { type Cell, cellsOf, readExperiment } from '../../../../studies/grid/experimentFile.ts';
import { resultsFileOf } from '../../../../studies/grid/runExperiment.ts';
import type { Output } from '../../../output.ts';
import { formatTable } from '../../../text/table.ts';

/** Shows the cells of an experiment and, where there are results, how far each is. */
export function run(file: string, flags: { results?: string }, output: Output): void {
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
      output.layout,
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

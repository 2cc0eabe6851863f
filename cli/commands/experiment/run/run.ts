import { cellsOf, readExperiment } from '../../../../studies/grid/experimentFile.ts';
import { runExperiment } from '../../../../studies/grid/runExperiment.ts';
import { buildOptions } from '../../../buildOptions.ts';
import { refuseJobFlags } from '../../../jobOptions.ts';
import type { Output } from '../../../output.ts';
import { startProgress } from '../../../text/progress.ts';
import { chosenCells } from '../chosenCells.ts';
import type { ExperimentRunFlags } from './command.ts';

/** Measures what an experiment's results lack. Returns the exit code: 1 when a cell failed. */
export async function run(file: string, flags: ExperimentRunFlags, output: Output): Promise<number> {
  const experiment = readExperiment(file);
  const cells = chosenCells(cellsOf(experiment), flags.only);
  refuseJobFlags(flags);
  if (flags.slurm) return (await import('./underSlurm.ts')).runUnderSlurm(experiment, cells, flags, output);
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

import { bundleExperiment } from '../../../../studies/grid/bundleExperiment.ts';
import { cellsOf, readExperiment } from '../../../../studies/grid/experimentFile.ts';
import type { Output } from '../../../output.ts';
import { chosenCells } from '../chosenCells.ts';
import type { ExperimentBundleFlags } from './command.ts';

/** Packs the programs of an experiment for a machine that has no chunkflow. */
export async function run(file: string, flags: ExperimentBundleFlags, output: Output): Promise<void> {
  const experiment = readExperiment(file);
  const cells = chosenCells(cellsOf(experiment), flags.only);
  const { files, notes } = await bundleExperiment(experiment, cells, flags);
  for (const note of notes) output.diagnostic(`${note}\n`);
  output.result(
    `${flags.out}: ${cells.length} programs, ${files.length} files; unpack it there and run ./measure.sh\n`,
  );
}

import { loadSystem } from '../../../../model/system/load.ts';
import { depthText } from '../../../../studies/dataset/programDepth.ts';
import { readSteps } from '../../../../studies/dataset/stepRecords.ts';
import { readExperiment } from '../../../../studies/grid/experimentFile.ts';
import { measuredFront } from '../../../../studies/plots/measuredFront.ts';
import { cellFront } from '../../../../studies/regret/cellFront.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { Output } from '../../../output.ts';
import type { PlotFrontFlags } from './command.ts';

/**
 * Draws the choices of one cell among everything that was measured of it, with what was predicted of them. Returns the exit code: 1
 * for choices that were not measured, or not within their caps.
 */
export async function run(
  file: string,
  datasets: readonly string[],
  flags: PlotFrontFlags,
  output: Output,
): Promise<number> {
  const { cell, mode, machine: named } = flags;
  refuseOtherCharts(flags);
  const machine = named === undefined ? null : loadSystem(named);
  const found = cellFront(readExperiment(file), readSteps(datasets), { cell, mode, machine });
  const { depth, device, place } = found.where;
  const subtitle = [
    `${depthText(depth)}, measured on ${device}, ${place}, ${mode}`,
    `(median and range of the rounds), predicted for ${found.machine}`,
  ];
  await plotChart(measuredFront(found.front, { title: cell, subtitle }), flags, output);
  for (const note of found.notes) output.diagnostic(`note: ${note}\n`);
  for (const problem of found.problems) output.diagnostic(`error: ${problem}\n`);
  return found.problems.length > 0 ? 1 : 0;
}

import { loadSystem } from '../../../../model/system/load.ts';
import { DatasetReader } from '../../../../studies/dataset/stepRecords.ts';
import { compareSteps } from '../../../../studies/heldOut/compareSteps.ts';
import { errorsChart } from '../../../../studies/plots/errorsChart.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { Output } from '../../../output.ts';
import type { PlotErrorsFlags } from './command.ts';

/** Draws how far simulated step times of datasets lie from measured ones. */
export async function run(files: readonly string[], flags: PlotErrorsFlags, output: Output): Promise<void> {
  const { machine } = flags;
  refuseOtherCharts(flags);
  const steps = compareSteps(new DatasetReader(files), machine === undefined ? null : loadSystem(machine));
  const by = machine === undefined ? '' : `, predicted from ${machine}`;
  const title = `Errors of ${steps.length} steps on ${steps[0]!.run.device.name}${by}`;
  await plotChart(errorsChart(steps, title), flags, output);
}

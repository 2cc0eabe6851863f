import { loadSystem } from '../../../../model/system/load.ts';
import { DatasetReader } from '../../../../studies/dataset/stepRecords.ts';
import { compareSteps } from '../../../../studies/heldOut/compareSteps.ts';
import { predictedVsMeasured } from '../../../../studies/plots/predictedVsMeasured.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { Output } from '../../../output.ts';
import type { PredictedVsMeasuredFlags } from './command.ts';

/** Draws simulated step times of datasets over measured ones. */
export async function run(
  files: readonly string[],
  flags: PredictedVsMeasuredFlags,
  output: Output,
): Promise<void> {
  const { machine } = flags;
  refuseOtherCharts(flags);
  const steps = compareSteps(new DatasetReader(files), machine === undefined ? null : loadSystem(machine));
  const by = machine === undefined ? '' : `, predicted from ${machine}`;
  const title = `${steps.length} steps on ${steps[0]!.run.device.name}${by}`;
  await plotChart(predictedVsMeasured(steps, title), flags, output);
}

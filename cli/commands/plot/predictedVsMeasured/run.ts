import { predictedVsMeasuredRows } from '../../../../studies/plots/predictedVsMeasured.ts';
import { chartedSteps } from '../../../files/chartedSteps.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { StepChartFlags } from '../../../flags/chart.ts';
import type { Output } from '../../../output.ts';

/** Draws simulated step times of datasets over measured ones. */
export async function run(files: readonly string[], flags: StepChartFlags, output: Output): Promise<void> {
  refuseOtherCharts(flags);
  const { rows, title, what } = chartedSteps(files, flags);
  await plotChart(predictedVsMeasuredRows(rows, title, [what]), flags, output);
}

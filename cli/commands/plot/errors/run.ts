import { errorsChartOfRows } from '../../../../studies/plots/errorsChart.ts';
import { chartedSteps } from '../../../files/chartedSteps.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { StepChartFlags } from '../../../flags/chart.ts';
import type { Output } from '../../../output.ts';

/** Draws how far simulated step times of datasets lie from measured ones. */
export async function run(files: readonly string[], flags: StepChartFlags, output: Output): Promise<void> {
  refuseOtherCharts(flags);
  const { rows, title, what } = chartedSteps(files, flags);
  await plotChart(errorsChartOfRows(rows, `Errors of ${title}`, what), flags, output);
}

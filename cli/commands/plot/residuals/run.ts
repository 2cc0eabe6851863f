import { readCalibration } from '../../../../studies/calibration/calibrationFile.ts';
import { fitMachine } from '../../../../studies/calibration/fitMachine.ts';
import { residualsOfFit } from '../../../../studies/plots/residualsChart.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { ChartFlags } from '../../../flags/chart.ts';
import type { Output } from '../../../output.ts';
import { startProgress } from '../../../text/progress.ts';

/** Fits a machine to a calibration and draws how far off each reading is. */
export async function run(file: string, flags: ChartFlags, output: Output): Promise<void> {
  refuseOtherCharts(flags);
  const calibration = readCalibration(file);
  let progress: ReturnType<typeof startProgress> | undefined;
  const fitted = fitMachine(calibration, (_, index, count) => {
    if (index === 0) progress = startProgress(output, 'stages', count);
    else progress!.advance();
  });
  await plotChart(residualsOfFit(fitted, calibration), flags, output);
  for (const note of fitted.notes) output.diagnostic(`note: ${note}\n`);
}

import { loadSystem } from '../../../../model/system/load.ts';
import { readCalibration } from '../../../../studies/calibration/calibrationFile.ts';
import { readingsOf } from '../../../../studies/calibration/readings.ts';
import { contentionChart } from '../../../../studies/plots/contentionChart.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { Output } from '../../../output.ts';
import type { PlotContentionFlags } from './command.ts';

/** Draws what a calibration measured of copies and collectives beside each other, and what a machine predicts of it. */
export async function run(file: string, flags: PlotContentionFlags, output: Output): Promise<void> {
  refuseOtherCharts(flags);
  const calibration = readCalibration(file);
  const system = loadSystem(flags.machine ?? calibration.machine);
  const { cases, notes } = readingsOf(calibration);
  const device = calibration.cases[0]?.run;
  const measured =
    device === undefined ? '' : `, measured on ${device.devices[0]?.name ?? 'no device'}, ${device.place}`;
  const subtitle = [`law and predictions of ${system.name}${measured}`];
  await plotChart(
    contentionChart(cases, system, 'Copies and collectives beside each other', subtitle),
    flags,
    output,
  );
  for (const note of notes) output.diagnostic(`note: ${note}\n`);
}

import { FILES } from '../../../../model/scenario/files.ts';
import { scenarioOf } from '../../../../model/scenario/scenario.ts';
import { rooflineChart } from '../../../../studies/plots/rooflineChart.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { Output } from '../../../output.ts';
import { modelName, scenarioNotes } from '../../../text/scenarioText.ts';
import type { PlotRooflineFlags } from './command.ts';

/** Draws what the segments of a model's blocks reach on a machine's roofline. */
export async function run(flags: PlotRooflineFlags, output: Output): Promise<void> {
  refuseOtherCharts(flags);
  // No plan changes what is computed.
  const scenario = scenarioOf({ ...flags, plan: ['none'] }, FILES);
  const { workload, system } = scenario;
  const title = `${modelName(scenario)} on the roofline of ${system.gpu.name}`;
  await plotChart(rooflineChart(workload, system.gpu, title, scenarioNotes(scenario, flags)), flags, output);
}

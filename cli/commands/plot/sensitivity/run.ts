import { predictedStepS } from '../../../../model/analytic/stepReport.ts';
import { FILES } from '../../../../model/scenario/files.ts';
import { scenarioOf } from '../../../../model/scenario/scenario.ts';
import { swings } from '../../../../search/explain/sensitivity/swings.ts';
import { sensitivityChart } from '../../../../studies/plots/sensitivityChart.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { Output } from '../../../output.ts';
import { modelName, scenarioNotes } from '../../../text/scenarioText.ts';
import type { PlotSensitivityFlags } from './command.ts';

/** Draws what each plan's step in closed form becomes as the machine's numbers and the size change, one at a time. */
export async function run(flags: PlotSensitivityFlags, output: Output): Promise<void> {
  refuseOtherCharts(flags);
  const scenario = scenarioOf(flags, FILES);
  const { workload, system, plans } = scenario;
  const moved = plans.map((plan) => ({
    plan: plan.name,
    stepS: predictedStepS(workload, system, plan),
    swings: swings(workload, system, plan, flags.by / 100),
  }));
  const title = `What the step of ${modelName(scenario)} depends on`;
  await plotChart(sensitivityChart(moved, flags.by, title, scenarioNotes(scenario, flags)), flags, output);
}

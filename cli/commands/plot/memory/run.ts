import { hostShareBytes, memoryNeed } from '../../../../model/physics/memory.ts';
import { FILES } from '../../../../model/scenario/files.ts';
import { scenarioOf } from '../../../../model/scenario/scenario.ts';
import { memoryChart } from '../../../../studies/plots/memoryChart.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { Output } from '../../../output.ts';
import { modelName, scenarioNotes } from '../../../text/scenarioText.ts';
import type { PlotMemoryFlags } from './command.ts';

/** Draws what plans need of GPU memory and of pinned host memory. */
export async function run(flags: PlotMemoryFlags, output: Output): Promise<void> {
  refuseOtherCharts(flags);
  const scenario = scenarioOf(flags, FILES);
  const { workload, system, plans } = scenario;
  const needs = plans.map((plan) => ({
    ...{ plan: plan.name, transport: plan.transport },
    need: memoryNeed(workload, system, plan),
  }));
  const there = {
    gpuBytes: system.gpu.memoryBytes,
    hostShareBytes: hostShareBytes(system, workload.ranks),
  };
  const title = `Memory of one rank of ${modelName(scenario)}`;
  await plotChart(memoryChart(needs, there, title, scenarioNotes(scenario, flags)), flags, output);
}

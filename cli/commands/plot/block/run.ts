import { UserError } from '../../../../model/input/userError.ts';
import type { Plan } from '../../../../model/plan/plan.ts';
import { FILES } from '../../../../model/scenario/files.ts';
import { scenarioOf } from '../../../../model/scenario/scenario.ts';
import { pathToMemory } from '../../../../model/system/tree.ts';
import { simulate } from '../../../../sim/simulate.ts';
import { blockChart } from '../../../../studies/plots/blockChart.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { Output } from '../../../output.ts';
import { modelName, scenarioNotes } from '../../../text/scenarioText.ts';
import type { PlotBlockFlags } from './command.ts';

/** Drawn where no plan is named, the first of these that the workload has a use for. */
const USUAL = ['yield', 'chunked'];

/** Simulates a step of each plan and draws one of its blocks, with what it makes of links and host memory. */
export async function run(flags: PlotBlockFlags, output: Output): Promise<void> {
  refuseOtherCharts(flags);
  const scenario = scenarioOf(flags, FILES);
  const { workload, system } = scenario;
  const plans = flags.plan === undefined ? usual(scenario.plans) : scenario.plans;
  const count = workload.blocks.length * workload.passes;
  if (flags.block >= count)
    throw new UserError(`--block ${flags.block}: the step has blocks 0 to ${count - 1}; choose another`);
  const steps = plans.map((plan) => ({
    plan: plan.name,
    timeline: simulate(workload, system, plan, { breakEven: false, timeline: true }).timeline!,
  }));
  const title = `Block ${flags.block} of ${modelName(scenario)}, simulated`;
  const path = pathToMemory(system.tree, system.gpus[0]!);
  const nodes = { links: path.links.map(({ id }) => id), memory: path.memory.id };
  const chart = blockChart(steps, flags.block, nodes, title, scenarioNotes(scenario, flags));
  await plotChart(chart, flags, output);
}

function usual(plans: readonly Plan[]): Plan[] {
  const found = USUAL.flatMap((name) => plans.filter((plan) => plan.name === name));
  return found.length === 0 ? [...plans] : found.slice(0, 1);
}

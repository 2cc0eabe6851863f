import { breakEven, stepAtTokens } from '../../../../model/analytic/breakEven.ts';
import { UserError } from '../../../../model/input/userError.ts';
import type { Plan } from '../../../../model/plan/plan.ts';
import { FILES } from '../../../../model/scenario/files.ts';
import { scenarioOf } from '../../../../model/scenario/scenario.ts';
import type { System } from '../../../../model/system/system.ts';
import type { BoundWorkload } from '../../../../model/workload/workload.ts';
import { type TokensCurve, tokensChart } from '../../../../studies/plots/tokensChart.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { Output } from '../../../output.ts';
import { modelName, scenarioNotes } from '../../../text/scenarioText.ts';
import type { PlotTokensFlags } from './command.ts';

/** How far around the size, and around break-evens, steps are predicted, as a factor; and how many sizes to each doubling. */
const AROUND = 8;
const BEYOND = 2;
const A_DOUBLING = 4;

/** Draws each plan's step in closed form at sizes around the one that is asked for. */
export async function run(flags: PlotTokensFlags, output: Output): Promise<void> {
  refuseOtherCharts(flags);
  const scenario = scenarioOf(flags, FILES);
  const { workload, system, plans } = scenario;
  if (workload.from === 'profile')
    throw new UserError('--profile: it knows no other size than its own; give --model');
  const breaks = plans.map((plan) => breakEven(workload, system, plan).tokens);
  const sizes = sizesAround(
    workload.tokens,
    breaks.flatMap((tokens) => tokens ?? []),
  );
  const curves = plans.map((plan, index) => curveOf(plan, workload, system, sizes, breaks[index]!));
  const title = `Step time of ${modelName(scenario)} against tokens`;
  await plotChart(tokensChart(curves, workload.tokens, title, scenarioNotes(scenario, flags)), flags, output);
}

function curveOf(
  plan: Plan,
  workload: BoundWorkload,
  system: System,
  sizes: readonly number[],
  breakEvenTokens: number | null,
): TokensCurve {
  const at = (tokens: number) => ({ tokens, ...stepAtTokens(workload, system, plan, tokens) });
  return {
    ...{ plan: plan.name, transport: plan.transport },
    points: sizes.map(at),
    breakEven: breakEvenTokens === null ? null : at(breakEvenTokens),
  };
}

/** Sizes on a logarithmic scale that reach around the asked one and beyond every break-even. */
function sizesAround(tokens: number, breakEvens: readonly number[]): number[] {
  const low = Math.min(tokens / AROUND, ...breakEvens.map((of) => of / BEYOND));
  const high = Math.max(tokens * AROUND, ...breakEvens.map((of) => of * BEYOND));
  const count = Math.ceil(Math.log2(high / low) * A_DOUBLING);
  const sizes = Array.from({ length: count + 1 }, (_, index) => low * (high / low) ** (index / count));
  return [...new Set(sizes.map((size) => Math.max(1, Math.round(size))))];
}

import type { StepReport } from '../model/analytic/report.ts';
import type { Plan } from '../model/plan/plan.ts';
import { isNoOffload } from '../model/plan/recipe.ts';
import { makePlan } from '../model/presets/presets.ts';
import type { Output } from './output.ts';
import type { Scenario } from './scenario.ts';
import { startProgress } from './text/progress.ts';

/** What an interpreter made of one plan, and the report of no offload on the same transport. */
export interface Compared<Result> {
  plan: Plan;
  result: Result;
  baseline: StepReport;
}

/**
 * Interprets every plan of a scenario, and no offload once for each transport that they use, which is what
 * step times are held against.
 */
export function comparePlans<Result extends { report: StepReport }>(
  scenario: Scenario,
  output: Output,
  interpret: (plan: Plan) => Result,
): Compared<Result>[] {
  const plans = withBaselines(scenario);
  const progress = startProgress(output, 'plans', plans.length);
  const results = plans.map((plan, index) => {
    const result = interpret(plan);
    progress.advance(plans[index + 1]?.name);
    return { plan, result };
  });
  progress.end();
  const baselineOf = ({ transport }: Plan) =>
    results.find(({ plan }) => isBaseline(plan) && plan.transport === transport)!.result.report;
  return results
    .slice(0, scenario.plans.length)
    .map((entry) => ({ ...entry, baseline: baselineOf(entry.plan) }));
}

function withBaselines({ plans, workload, system }: Scenario): Plan[] {
  const covered = new Set(plans.filter(isBaseline).map((plan) => plan.transport));
  const missing = new Set(plans.map((plan) => plan.transport).filter((name) => !covered.has(name)));
  return [...plans, ...[...missing].map((transport) => makePlan('none', workload, system, transport))];
}

function isBaseline(plan: Plan): boolean {
  return isNoOffload(plan.recipe);
}

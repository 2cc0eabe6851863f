import type { StepReport } from '../model/analytic/report.ts';
import type { Plan } from '../model/plan/plan.ts';
import { isNoOffload } from '../model/plan/recipe.ts';
import { makePlan } from '../model/presets/presets.ts';
import type { Scenario } from '../model/scenario/scenario.ts';
import type { Watch } from './progress.ts';

/** What an interpreter made of one plan, and no offload on the same transport with its report. */
export interface Compared<Result> {
  plan: Plan;
  result: Result;
  none: Plan;
  baseline: StepReport;
}

/**
 * Interprets every plan of a scenario, and no offload once for each transport that they use, which is what
 * step times are held against.
 */
export function comparePlans<Result extends { report: StepReport }>(
  scenario: Scenario,
  watch: Watch,
  interpret: (plan: Plan) => Result,
): Compared<Result>[] {
  const plans = withBaselines(scenario);
  const progress = watch(plans.length);
  const results = plans.map((plan, index) => {
    const result = interpret(plan);
    progress.advance(plans[index + 1]?.name);
    return { plan, result };
  });
  progress.end();
  return results.slice(0, scenario.plans.length).map((entry) => {
    const { transport } = entry.plan;
    const none = results.find(({ plan }) => isBaseline(plan) && plan.transport === transport)!;
    return { ...entry, none: none.plan, baseline: none.result.report };
  });
}

function withBaselines({ plans, workload, system }: Scenario): Plan[] {
  const covered = new Set(plans.filter(isBaseline).map((plan) => plan.transport));
  const missing = new Set(plans.map((plan) => plan.transport).filter((name) => !covered.has(name)));
  return [...plans, ...[...missing].map((transport) => makePlan('none', workload, system, transport))];
}

function isBaseline(plan: Plan): boolean {
  return isNoOffload(plan.recipe);
}

import type { Plan } from '../model/plan/plan.ts';
import type { StepReport } from '../model/report.ts';
import type { System } from '../model/system/system.ts';
import type { Workload } from '../model/workload/workload.ts';
import { simulate } from './simulate.ts';

/** The simulator as a search asks it: a plan's step and nothing else; the plan that is kept is verified by whoever keeps it. */
export function searchOracle(workload: Workload, system: System): (plan: Plan) => StepReport {
  return (plan) => simulate(workload, system, plan, { breakEven: false, verify: false }).report;
}

import type { Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import { breakEven } from './breakEven.ts';
import type { StepReport } from './report.ts';
import { predictStep } from './stepReport.ts';

/**
 * What a plan costs on a machine, in closed form: step time and where it goes, memory, what binds, and the sizes
 * from which it would be hidden.
 */
export function predict(workload: Workload, system: System, plan: Plan): StepReport {
  return { ...predictStep(workload, system, plan), breakEven: breakEven(workload, system, plan) };
}

import type { System } from '../system/system.ts';
import { distinctName } from '../system/transport.ts';
import type { Workload } from '../workload/workload.ts';
import type { Plan } from './plan.ts';

/**
 * A plan for other machines than the one that it was made for. A name such as `staged-sm` is read on its own machine: elsewhere it
 * may be another transport.
 *
 * @param system that the plan was made for.
 * @example planElsewhere(plan, workload, loadSystem('h100-sxm-x2')).transport // 'staged-sm:2'
 */
export function planElsewhere(plan: Plan, { ranks }: Workload, system: System): Plan {
  return ranks === 1 ? plan : { ...plan, transport: distinctName(system, plan.transport) };
}

import type { StepReport } from '../model/analytic/report.ts';
import { scaledSystem } from '../model/physics/variants/scaled.ts';
import type { Plan } from '../model/plan/plan.ts';
import type { System } from '../model/system/system.ts';
import type { Workload } from '../model/workload/workload.ts';
import { simulate } from '../sim/simulate.ts';
import type { Search } from './search.ts';

/** How much slower the link is taken for plans that are equally fast: what repeated calibrations of one machine differ by. */
const STRESSED_LINK = 0.95;

export type SearchOracles = Pick<Search, 'oracle' | 'stressedOracle'>;

/** The simulator as a search asks it: a plan's step and nothing else; the plan that is kept is verified by whoever keeps it. */
export function searchOracles(workload: Workload, system: System): SearchOracles {
  const on =
    (machine: System) =>
    (plan: Plan): StepReport =>
      simulate(workload, machine, plan, { breakEven: false, verify: false }).report;
  return { oracle: on(system), stressedOracle: on(scaledSystem(system, { link: STRESSED_LINK })) };
}

/** The same search on another machine. */
export function searchOn(search: Search, system: System): Search {
  return { ...search, system, ...searchOracles(search.workload, system) };
}

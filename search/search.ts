import type { StepReport } from '../model/analytic/report.ts';
import type { Plan } from '../model/plan/plan.ts';
import type { System } from '../model/system/system.ts';
import type { Workload } from '../model/workload/workload.ts';
import type { SearchSpace } from './searchSpace.ts';
import type { Highs } from './solver.ts';

/** Steps this close are equally fast: then the slower link decides, then less memory, then fewer copies. */
export const TIE = 1e-3;
/** How long the search may look: counts, never seconds, so that the answer is the same everywhere. */
export interface Effort {
  /** Plans of a backend that are simulated after all of it have been ranked in closed form. */
  finalists: number;
  /** Rounds of local search, each of which simulates a few neighbours of the best plan. */
  rounds: number;
  /** Plans that a space may have to be searched as a whole where the best plan is above the bound. */
  exhaustive: number;
}

export const FULL_EFFORT: Effort = { finalists: 6, rounds: 6, exhaustive: 20_000 };
/** For a point of a curve that has neighbours to compare it with. */
export const QUICK_EFFORT: Effort = { finalists: 3, rounds: 0, exhaustive: 2_000 };

/** What a search asks of its surroundings. */
export interface Search {
  highs: Highs;
  workload: Workload;
  system: System;
  space: SearchSpace;
  /** The step of a plan: the simulator. */
  oracle: (plan: Plan) => StepReport;
  /** The same on a link that is a little slower than the machine's, as no machine's numbers are exact. */
  stressedOracle: (plan: Plan) => StepReport;
}

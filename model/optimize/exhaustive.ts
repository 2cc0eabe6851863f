import type { Plan } from '../plan/plan.ts';
import type { StepReport } from '../report.ts';
import { streamedBound } from './capBound.ts';
import { type Caps, fits } from './caps.ts';
import { countPlans, type Placing, placings, plansOf } from './everyPlan.ts';
import type { Search } from './search.ts';

/** What bounds and simulator may differ by: a clock that both round, and flows of several GPUs on one link. */
export const BOUND_ROUNDING = 2e-3;

/** What was found in a whole space. */
export interface Exhausted {
  /** The first of the fastest plans; null where none within the caps is faster than the incumbent. */
  best: { plan: Plan; report: StepReport } | null;
  /** Plans of the space, and those of them that had to be simulated. */
  plans: number;
  simulated: number;
}

/**
 * The fastest plan within caps of every one there is: branch and bound over `everyPlan`.
 *
 * Plans that stream as much over one backend share a lower bound on their step. Those of one placing are taken together, the lowest
 * bound first, until none is below the best step so far: whatever is not simulated is no faster.
 *
 * @param incumbentS seconds of the best step that is known; only faster plans are of interest.
 */
export function exhaust(
  search: Pick<Search, 'workload' | 'system' | 'space' | 'oracle'>,
  caps: Caps,
  incumbentS = Number.POSITIVE_INFINITY,
): Exhausted {
  const { workload, system, space, oracle } = search;
  const boundOf = boundsOf(search);
  const open = [...placings(workload, space)]
    .map((placing) => ({ placing, leastS: boundOf(placing) }))
    .filter(({ leastS }) => leastS < incumbentS)
    .sort((a, b) => a.leastS - b.leastS);
  let best: Exhausted['best'] = null;
  let bestS = incumbentS;
  let simulated = 0;
  for (const { placing, leastS } of open) {
    if (leastS >= bestS) break;
    for (const plan of plansOf(placing, workload, system, space)) {
      // All plans of a placing take the same memory.
      if (!fits(workload, system, plan, caps)) break;
      simulated += 1;
      const report = oracle(plan);
      if (report.stepTimeS >= bestS) continue;
      best = { plan, report };
      bestS = report.stepTimeS;
      if (leastS >= bestS) break;
    }
  }
  return { best, plans: countPlans(workload, space), simulated };
}

/** Seconds that plans of a placing take at the least; worked out once for as many bytes over a backend. */
function boundsOf({ workload, system }: Pick<Search, 'workload' | 'system'>): (placing: Placing) => number {
  const known = new Map<string, number>();
  return ({ backend, order: { classes }, kept }) => {
    const streamedBytes = classes.reduce(
      (sum, { members, weightBytes }, of) => sum + members.length * (weightBytes - kept[of]!),
      0,
    );
    const key = `${backend.transport} ${backend.pieceBytes} ${streamedBytes}`;
    const boundS = known.get(key) ?? streamedBound(workload, system, [backend], streamedBytes).stepTimeS;
    known.set(key, boundS);
    return boundS * (1 - BOUND_ROUNDING);
  };
}

import type { Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import { NumberQuantities } from './numberQuantities.ts';
import type { StepTimes } from './report.ts';
import { StepTimesTally } from './stepTally.ts';
import { Walk } from './walk.ts';

/**
 * The hiding model in closed form: step time of a plan without simulating events.
 *
 * One rank stands for all, since all do the same. The step is walked block by block and window by window; in
 * each, elementary formulas say how much of the prefetch fits and what the rest costs:
 *
 * - compute of w seconds hides w seconds of copying;
 * - compute with a collective beside it takes as long as the longer of the two, and copies share the link with that one as well;
 * - a collective of c seconds beside copying takes c / collective share of it, while copies go at their share
 *   (rates.ts), and at full speed for what is left when either ends;
 * - a block whose weights have not landed waits for exactly what is left of them: exposed prefetch;
 * - a drained collective waits for all that was issued; a yielding window's chunks start when the collective
 *   before it has ended;
 * - copy-engine collectives on a stream of their own share the engine with the prefetch in time slices
 *   (timeSlices.ts), and queue in order when they share its stream;
 * - host launches hold back the chunk behind the one in flight, where chunks pause for them.
 *
 * A step issues exactly the bytes that the plan streams (issueSchedule.ts says when); anything else is a bug and throws.
 *
 * What it leaves out, on purpose: that chunks are not divisible, that ranks may differ, and which copy is in
 * flight at a boundary. `simulate` has all three.
 *
 * @param everyBlock walks each of several blocks that do the same, as the walk over expressions does.
 */
export function closedForm(
  workload: Workload,
  system: System,
  plan: Plan,
  clock = 1,
  everyBlock = false,
): StepTimes {
  const walk = numberWalk(workload, system, plan, clock, everyBlock);
  walk.settle();
  return walk.tally.times;
}

/**
 * The first step of a request in closed form: nothing has been prefetched for it, so that its first blocks wait for their weights.
 */
export function coldStep(workload: Workload, system: System, plan: Plan, clock = 1): StepTimes {
  const walk = numberWalk(workload, system, plan, clock);
  walk.startCold();
  walk.step();
  return walk.tally.times;
}

/** A walk over numbers that has not begun. */
export function numberWalk(
  workload: Workload,
  system: System,
  plan: Plan,
  clock = 1,
  everyBlock = false,
): Walk<number, StepTimesTally> {
  const quantities = new NumberQuantities(workload, system, plan, clock);
  const tally = new StepTimesTally();
  return new Walk<number, StepTimesTally>({ workload, system, plan, quantities, tally, everyBlock });
}

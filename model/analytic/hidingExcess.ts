import { SEGMENT_CLASSES, type SegmentClass } from '../dit/kinds.ts';
import { partTimes } from '../physics/compute.ts';
import { serialCopiesS } from '../physics/copySource.ts';
import { hostIssueS } from '../physics/hostIssue.ts';
import { powerOf, slowdown, stepEnergyJ, unroundedClock } from '../physics/power.ts';
import type { Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import { closedForm } from './closedForm.ts';
import { HIDDEN_SHARE } from './stepReport.ts';

/** A plan's step that is longer than no offload by less than this share of it hides all copies. */
const ALL_HIDDEN = 1e-5;
/** Walks at the most until no offload's clock stays. */
const ROUNDS = 8;

/** Step without offload, and the clock that the power cap leaves it, not rounded. */
export interface NoneStep {
  stepS: number;
  clock: number;
}

/**
 * No offload's step for `hidingExcess`. `predictedStepS` rounds clocks down by up to a quarter of a per mille of their range, which moves a
 * point at which two steps differ by 1 % by as much as a per cent.
 *
 * @param likelyClock where the search of the clock begins, such as that of a similar step.
 */
export function unroundedNoneStep(workload: Workload, system: System, none: Plan, likelyClock = 1): NoneStep {
  const hostS = hostIssueS(workload, system);
  const power = powerOf(workload, system);
  if (power === null)
    return { stepS: Math.max(hostS, closedForm(workload, system, none).stepTimeS), clock: 1 };
  const energy = stepEnergyJ(workload, power);
  const seconds = classTimesS(workload, system);
  const computeAt = (clock: number) =>
    SEGMENT_CLASSES.reduce((sum, of) => sum + seconds[of] * slowdown(power, of, clock), 0);
  const onlyComputeFollows = workload.blocks.every(({ segments }) =>
    segments.every(({ kind }) => kind !== 'overlapped'),
  );
  let step = { stepS: 0, clock: likelyClock };
  for (let round = 0; round < ROUNDS; round += 1) {
    const { clock } = step;
    const times = closedForm(workload, system, none, clock);
    const stepAt = (at: number) => times.stepTimeS + times.computeS * (computeAt(at) / computeAt(clock) - 1);
    const next = unroundedClock(power, energy, stepAt);
    step = { stepS: Math.max(hostS, stepAt(next)), clock: next };
    if (onlyComputeFollows || Math.abs(next - clock) < 1e-9) break;
  }
  return step;
}

/** Seconds of a step's compute at the highest clock, by class. */
function classTimesS({ blocks }: Workload, { gpu }: System): Record<SegmentClass, number> {
  const seconds = { gemm: 0, attention: 0, elementwise: 0 };
  for (const block of blocks) {
    for (const part of partTimes(block, gpu)) seconds[part.class] += part.seconds;
  }
  return seconds;
}

/**
 * How much longer a plan's step is than no offload over how much longer it may be to count as hidden, 1 %: the logarithm of that, at most 0
 * where it is hidden. Of a step that hides all copies, the logarithm of their own time over that step.
 *
 * A walk at the clock that the power cap leaves a step of just the longest hidden time says which it is: a plan that takes no longer
 * spends its energy in no more than that time, so that its own clock is no higher and its step no shorter than at that clock; and one
 * that takes longer there takes longer at its own clock, too.
 */
export function hidingExcess(workload: Workload, system: System, plan: Plan, noneS: number): number {
  const mostS = (1 + HIDDEN_SHARE) * noneS;
  const serialS = serialCopiesS(workload, system, plan);
  const power = powerOf(workload, system);
  const isCapped = power !== null && mostS > serialS;
  const clock = isCapped ? unroundedClock(power, stepEnergyJ(workload, power), () => mostS - serialS) : 1;
  const { stepTimeS, prefetchS } = closedForm(workload, system, plan, clock);
  const stepS = Math.max(hostIssueS(workload, system), stepTimeS + serialS);
  const share = stepS / noneS - 1;
  if (share > ALL_HIDDEN) return Math.log(share / HIDDEN_SHARE);
  return Math.log(Math.min(stepS, prefetchS + serialS) / mostS);
}

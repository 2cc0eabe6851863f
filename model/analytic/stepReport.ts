import { blockComputeS } from '../physics/compute.ts';
import { serialCopiesS } from '../physics/copySource.ts';
import { hostIssueS } from '../physics/hostIssue.ts';
import { hostShareBytes, type MemoryNeed, memoryNeed } from '../physics/memory.ts';
import { hiddenCollectiveS } from '../physics/overlap.ts';
import { cappedClock, powerOf, stepEnergyJ, stepPowerW } from '../physics/power.ts';
import type { Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import { closedForm } from './closedForm.ts';
import type { BoundBy, BreakEven, StepReport, StepTimes } from './report.ts';

/** Offload that costs less than this share of a step counts as hidden. */
export const HIDDEN_SHARE = 0.01;

/** Share of a step in which the link must be busy before the link, not the schedule, is what limits it. */
const LINK_BUSY_SHARE = 0.95;

const NO_BREAK_EVEN: BreakEven = { tokens: null, frames: null, batch: null };

/**
 * The closed form's answer for one plan, at the clock that the machine's power cap allows. Its break-even is left
 * open: `predict` adds it.
 */
export function predictStep(workload: Workload, system: System, plan: Plan): StepReport {
  const { times, clock } = timesAtCap(workload, system, plan);
  return report(workload, system, plan, times, clock);
}

/**
 * The step time of `predictStep` alone, at a fraction of the cost of its report.
 *
 * @param likelyClock a clock near the one that the power cap allows, such as that of a similar step: it saves walks, and changes no answer.
 */
export function predictedStepS(workload: Workload, system: System, plan: Plan, likelyClock?: number): number {
  const onGpuS = timesAtCap(workload, system, plan, likelyClock).times.stepTimeS;
  return Math.max(hostIssueS(workload, system), onGpuS + serialCopiesS(workload, system, plan));
}

/** The clock that a plan's step reaches under the power cap, by the closed form; 1 where no power is known. */
export function clockOf(workload: Workload, system: System, plan: Plan): number {
  return powerOf(workload, system) === null ? 1 : timesAtCap(workload, system, plan).clock;
}

/** A step's times on the GPU at the clock that the power cap allows, without copies outside the stream of blocks. */
interface CappedTimes {
  times: StepTimes;
  clock: number;
}

/** The last answer for each plan: its report, its doubt and its break-even begin with the same step. */
const answers = new WeakMap<Plan, { workload: Workload; system: System; capped: CappedTimes }>();

function timesAtCap(workload: Workload, system: System, plan: Plan, likelyClock?: number): CappedTimes {
  const known = answers.get(plan);
  if (known?.workload === workload && known.system === system) return known.capped;
  const capped = cappedTimes(workload, system, plan, likelyClock);
  answers.set(plan, { workload, system, capped });
  return capped;
}

function cappedTimes(workload: Workload, system: System, plan: Plan, likelyClock?: number): CappedTimes {
  const power = powerOf(workload, system);
  if (power === null) return { times: closedForm(workload, system, plan), clock: 1 };
  const walked = new Map<number, StepTimes>();
  const timesAt = (clock: number): StepTimes => {
    const times = walked.get(clock) ?? closedForm(workload, system, plan, clock);
    walked.set(clock, times);
    return times;
  };
  const energy = stepEnergyJ(workload, power);
  const clock = cappedClock(power, energy, (at) => timesAt(at).stepTimeS, likelyClock);
  return { times: timesAt(clock), clock };
}

/** A report from a step's times on the GPU, whoever found them. */
export function report(
  workload: Workload,
  system: System,
  plan: Plan,
  streamed: StepTimes,
  clock: number,
  breakEven: BreakEven = NO_BREAK_EVEN,
): StepReport {
  const power = powerOf(workload, system);
  const memory = memoryNeed(workload, system, plan);
  const onGpu = withSerialCopies(streamed, serialCopiesS(workload, system, plan));
  const times = { ...onGpu, stepTimeS: Math.max(hostIssueS(workload, system), onGpu.stepTimeS) };
  const misfit = misfitOf(memory, system, workload.ranks);
  const hiddenS = hiddenCollectiveS(workload, system, plan, clock);
  const windowS =
    workload.passes *
    workload.blocks.reduce((sum, block) => sum + blockComputeS(block, system.gpu, clock), 0);
  return {
    plan: plan.name,
    transport: plan.transport,
    ...times,
    windowS,
    gpuPeakBytes: memory.gpuPeakBytes,
    hostPinnedBytes: memory.hostPinnedBytes,
    boundBy: misfit ?? boundBy(onGpu, times.stepTimeS, hiddenS),
    breakEven,
    clock,
    powerW: power === null ? null : stepPowerW(power, stepEnergyJ(workload, power), clock, times.stepTimeS),
  };
}

/** Which memory a plan needs more of than there is. */
function misfitOf(need: MemoryNeed, system: System, ranks: number): BoundBy | null {
  if (need.gpuPeakBytes > system.gpu.memoryBytes) return 'memory';
  return need.hostPinnedBytes > hostShareBytes(system, ranks) ? 'host-memory' : null;
}

/** A step with copies that the GPU waits for: exposed in full, and on the link. */
function withSerialCopies(times: StepTimes, seconds: number): StepTimes {
  if (seconds === 0) return times;
  return {
    ...times,
    stepTimeS: times.stepTimeS + seconds,
    exposedPrefetchS: times.exposedPrefetchS + seconds,
    prefetchS: times.prefetchS + seconds,
  };
}

/**
 * What limits a step that fits: the host if issuing it takes longer than the GPU needs; compute or collectives, whichever take longer, if the offload is
 * hidden; the link if prefetch and collectives alone would fill it; otherwise how the plan yields, since the link idles.
 */
function boundBy(times: StepTimes, stepTimeS: number, hiddenCollectiveS: number): BoundBy {
  if (stepTimeS > times.stepTimeS) return 'host';
  const cost = times.exposedPrefetchS + times.collectiveInflationS;
  if (cost <= HIDDEN_SHARE * times.stepTimeS) {
    return times.collectiveS > times.computeS ? 'collectives' : 'compute';
  }
  const linkS = times.prefetchS + times.collectiveS - times.collectiveInflationS + hiddenCollectiveS;
  return linkS >= LINK_BUSY_SHARE * times.stepTimeS ? 'link' : 'yield';
}

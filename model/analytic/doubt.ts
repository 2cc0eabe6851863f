import { SEGMENT_CLASSES, type SegmentClass } from '../dit/kinds.ts';
import { rowsAt } from '../dit/tokens.ts';
import { blockComputeS, partTimes } from '../physics/compute.ts';
import { usesPageable } from '../physics/copySource.ts';
import { hiddenCollectiveS } from '../physics/overlap.ts';
import { moved } from '../physics/variants/moved.ts';
import type { Plan } from '../plan/plan.ts';
import { DIRECTIONS, type Direction } from '../system/direction.ts';
import { SET_BY_HAND } from '../system/overrides.ts';
import type { Gpu, ProvenanceEntry, System } from '../system/system.ts';
import { numbersOf, unknownOf } from '../system/unknowns.ts';
import { rebound } from '../workload/bind.ts';
import { workloadUnknowns } from '../workload/unknowns.ts';
import type { BoundWorkload, Workload } from '../workload/workload.ts';
import { withAnchorSpeeds } from './anchor.ts';
import { clockOf, predictedStepS } from './stepReport.ts';

/** Factors on a predicted quantity, the lower at most 1 and the upper at least 1. */
export type Factors = readonly [low: number, high: number];

/**
 * Why a step may differ from its prediction: a direction of the machine, kernels that are not those whose efficiencies the machine
 * file holds, or the model itself.
 */
export const CAUSES = [...DIRECTIONS, 'kernels', 'model'] as const;
export type Cause = (typeof CAUSES)[number];

/** How far a prediction may be off, 95 of 100 times. */
export interface Doubt {
  step: Factors;
  /** Of the step over that of no offload on the same transport, which most causes move together. */
  versusNone: Factors;
  /** The cause that widens the interval of the step most. */
  decides: Cause;
  /** Its share of the interval's squared width. */
  share: number;
  /** Speed that kernels may have of what the machine file says; null where theirs was measured. */
  kernels: Factors | null;
  /** The machine file's number behind it; null for the model itself, and for compute that was measured. */
  number: ProvenanceEntry | null;
}

/**
 * 95th percentiles of the closed form's relative error on steps that no fit has seen, where the machine's numbers are fitted: 552 steps
 * of one H200, 247 of a pair, 48 of four (`chunkflow validate`, docs/results.md). No prediction is better than that.
 */
const HELD_OUT_ERROR = { one: 0.028, two: 0.047, more: 0.067 };

/**
 * Speed of other kernels than those whose efficiencies a machine file has. Eager diffusers with cuDNN's attention reaches 0.68 to 0.76 of
 * the generated runtime's speed on the same H200 (experiments/attach); FlashAttention 2 half of FlashAttention 3's on that chip
 * (arXiv 2407.08608), which is half to three quarters of a long sequence's compute.
 *
 * What a workload says of its kernels is no cause any more. Those blocks of experiments/attach/one-gpu, predicted as eager on
 * `h200-x1-fitted`, reach 0.89 of their prediction (0.895 Wan2.1-14B, 0.886 FLUX.1-dev): that is left of the 0.68 to 0.76. Rates of
 * named attention kernels are their papers' best; theirs at short sequences are down to three quarters of that. Both said leave
 * 0.75; one of both leaves the other's 0.68 or, of FlashAttention 2 in place of 3, 0.67, times 0.89.
 *
 * None is faster by more than 1.05, but for eager workloads: their elementwise kernels may find in the L2 cache (50 MB of an H100, 72 MB of
 * an RTX 4090) what is counted as device memory's, or be fused by hand, and then take no longer than compiled ones.
 */
const OTHER_KERNELS: Factors = [0.5, 1.05];
const ONE_OF_BOTH_SAID: Factors = [0.6, 1.05];
const LAUNCH_AND_ATTENTION_SAID: Factors = [0.75, 1.05];

/**
 * Compute that runs beside a collective's kernel may take so much longer, which no step of ours has measured: with NCCL's 32 channels,
 * a thread block each, of 132 multiprocessors. That was NCCL's most for years; it allows 64 now (MAXCHANNELS,
 * github.com/NVIDIA/nccl src/include/device.h@80f6bda4).
 */
const TAKEN_BESIDE = 132 / (132 - 32) - 1;

/** Whether what was measured lies in the interval around what was predicted. */
export function covers([low, high]: Factors, predicted: number, measured: number): boolean {
  return measured >= low * predicted && measured <= high * predicted;
}

interface Spread {
  cause: Cause;
  step: Factors;
  versusNone: Factors;
}

/**
 * The interval of a plan's step: the step at both ends of the interval of every direction in which the machine is not known, of the
 * kernels' speed and of the model's own error. Causes are independent, so the logarithms of what they do add up like standard
 * deviations, those that lengthen the step apart from those that shorten it.
 *
 * @param none no offload over the plan's transport.
 */
export function doubtOf(workload: Workload, system: System, plan: Plan, none: Plan): Doubt {
  const stepS = predictedStepS(workload, system, plan);
  const clock = clockOf(workload, system, plan);
  const noneOn = noneStepsOf(workload, none);
  const noneHere = noneOn(system);
  const causes = unknownCauses(workload, system, plan);
  const spreads = causes.map(({ cause, machines }): Spread => {
    const ends = machines.map((there) => {
      const noneThere = noneOn(there, noneHere.clock);
      const likelyClock = (clock * noneThere.clock) / noneHere.clock;
      const step = predictedStepS(workload, there, plan, likelyClock) / stepS;
      return { step, versusNone: (step * noneHere.stepS) / noneThere.stepS };
    });
    return {
      cause,
      step: around(ends.map(({ step }) => step)),
      versusNone: around(ends.map(({ versusNone }) => versusNone)),
    };
  });
  const own = heldOutError(workload, system);
  const isNone = plan.slots === 0 && plan.serialCopies === undefined && plan.transport === none.transport;
  const besideShare = hiddenCollectiveS(workload, system, plan, 1) / stepS;
  const step: Factors = [own[0], own[1] * (1 + TAKEN_BESIDE * besideShare)];
  spreads.push({ cause: 'model', step, versusNone: isNone ? [1, 1] : own });
  const widest = spreads.reduce((most, spread) => (width(spread) > width(most) ? spread : most));
  return {
    step: together(spreads.map(({ step }) => step)),
    versusNone: together(spreads.map(({ versusNone }) => versusNone)),
    decides: widest.cause,
    share: width(widest) / spreads.reduce((sum, spread) => sum + width(spread), 0),
    kernels: kernelFactors(workload, system),
    number: decidingNumber(widest.cause, workload, system, plan),
  };
}

interface UnknownCause {
  cause: Cause;
  /** What the machine may be instead. */
  machines: readonly System[];
}

function unknownCauses(workload: Workload, system: System, plan: Plan): UnknownCause[] {
  const ofPlan = usesPageable(plan) ? [unknownOf(system, 'pageable')] : [];
  const ofMachine = [...workloadUnknowns(workload, system), ...ofPlan].map((unknown) => ({
    cause: unknown.direction,
    machines: unknown.interval.map((factor) => movedOnce(system, unknown.direction, factor, workload.ranks)),
  }));
  const others = otherKernels(workload, system);
  return others.length === 0 ? ofMachine : [...ofMachine, { cause: 'kernels', machines: others }];
}

/** Machines with the kernels that may run in place of those that the machine file or a measured step knows. */
function otherKernels(workload: Workload, system: System): System[] {
  if (system.anchor !== undefined) {
    const known =
      anchored.get(system) ?? system.anchor.others.map((speeds) => withAnchorSpeeds(system, speeds));
    anchored.set(system, known);
    return known;
  }
  const factors = kernelFactors(workload, system);
  return (factors ?? []).map((factor) => movedOnce(system, 'compute', factor, workload.ranks));
}

/** No offload's step on a machine, and its clock. */
interface NoneThere {
  stepS: number;
  clock: number;
}

const noneSteps = new WeakMap<Plan, { workload: Workload; steps: WeakMap<System, NoneThere> }>();

/** No offload's step on other machines, found once for all plans that are held against the same one. */
function noneStepsOf(workload: Workload, none: Plan): (there: System, likelyClock?: number) => NoneThere {
  const before = noneSteps.get(none);
  const known =
    before?.workload === workload ? before : { workload, steps: new WeakMap<System, NoneThere>() };
  noneSteps.set(none, known);
  return (there, likelyClock) => {
    let found = known.steps.get(there);
    if (found === undefined) {
      const stepS = predictedStepS(workload, there, none, likelyClock);
      found = { stepS, clock: clockOf(workload, there, none) };
      known.steps.set(there, found);
    }
    return found;
  };
}

/** Machines that plans are compared on one after another, which keep what was worked out on them. */
const movedMachines = new WeakMap<System, Map<string, System>>();
const anchored = new WeakMap<System, System[]>();

function movedOnce(system: System, direction: Direction, factor: number, ranks: number): System {
  const known = movedMachines.get(system) ?? new Map<string, System>();
  movedMachines.set(system, known);
  const key = `${direction} ${factor} ${ranks}`;
  const there = known.get(key) ?? moved(system, direction, factor, ranks);
  known.set(key, there);
  return there;
}

/** Speed of the kernels that will run, as factors on what the machine file has; null where that was measured of them. */
function kernelFactors(workload: Workload, system: System): Factors | null {
  // The step that was measured had those kernels.
  if (system.anchor !== undefined) return null;
  const isMeasured = hasOwnKernels(workload, system);
  if (workload.from === 'profile') return isMeasured ? null : OTHER_KERNELS;
  const { attention, launch } = workload.compute;
  // A workload is compiled where nobody said how it is launched.
  const isEager = launch === 'eager';
  if (isMeasured && !isEager && attention === null) return null;
  const isAttentionSaid = isMeasured || attention !== null;
  const [low, high] =
    isAttentionSaid && (isEager || isMeasured)
      ? LAUNCH_AND_ATTENTION_SAID
      : isAttentionSaid || isEager
        ? ONE_OF_BOTH_SAID
        : OTHER_KERNELS;
  if (!isEager) return [low, high];
  return [low, Math.max(high, computeS(workload, system.gpu) / computeS(compiled(workload), system.gpu))];
}

function compiled(workload: BoundWorkload): BoundWorkload {
  const { model, size, tokens, textRows, compute } = workload;
  const rows = { ...rowsAt(model, tokens, size.frames), t: textRows };
  return rebound(workload, rows, { compute: { ...compute, launch: 'compiled' } });
}

function computeS({ blocks }: Workload, gpu: Gpu): number {
  return blocks.reduce((sum, block) => sum + blockComputeS(block, gpu), 0);
}

/** Whether the kernels' speed was measured where they are to run. */
function hasOwnKernels(workload: Workload, system: System): boolean {
  if (workload.from === 'profile') return true;
  return numbersOf(system, 'compute').every(({ from }) => from === 'measured' || from === 'fitted');
}

function heldOutError({ ranks }: Workload, { peer }: System): Factors {
  const gpus = peer === 'real' ? ranks : 1;
  const error = gpus === 1 ? HELD_OUT_ERROR.one : gpus === 2 ? HELD_OUT_ERROR.two : HELD_OUT_ERROR.more;
  return [1 / (1 + error), 1 + error];
}

function around(ends: readonly number[]): Factors {
  return [Math.min(1, ...ends), Math.max(1, ...ends)];
}

function together(factors: readonly Factors[]): Factors {
  const side = (at: 0 | 1) => Math.hypot(...factors.map((one) => Math.log(one[at])));
  return [Math.exp(-side(0)), Math.exp(side(1))];
}

function width({ step: [low, high] }: Spread): number {
  return Math.log(low) ** 2 + Math.log(high) ** 2;
}

/** Of the numbers of a direction the one that this step depends on most: of compute that of the class that takes longest, of links the least known. */
function decidingNumber(
  cause: Cause,
  workload: Workload,
  system: System,
  plan: Plan,
): ProvenanceEntry | null {
  if (cause === 'model') return null;
  const isCompute = cause === 'compute' || cause === 'kernels';
  if (isCompute && workload.from === 'profile') return null;
  const numbers = numbersOf(system, isCompute ? 'compute' : cause);
  if (isCompute) {
    const longest = longestClass(workload, system);
    return numbers.find(({ key }) => key.endsWith(`.${longest}`)) ?? numbers[0] ?? null;
  }
  if (cause === 'pageable') {
    const goesOut = plan.serialCopies?.some(({ direction }) => direction === 'd2h');
    return numbers.find(({ key }) => key.endsWith('Out') === goesOut) ?? numbers[0] ?? null;
  }
  const own = numbers.filter(
    ({ key }) => !key.startsWith('transports.') || key.startsWith(`transports.${plan.transport}.`),
  );
  return own.reduce<ProvenanceEntry | null>(
    (most, number) => (most === null || certainty(number) < certainty(most) ? number : most),
    null,
  );
}

/** A fitted number is surer than a measured one, and a default is the least sure. */
const CERTAINTY = ['default', 'datasheet', 'published', 'measured', 'fitted'] as const;

/** A number that was set by hand is exact, so that it decides only where all others of its direction are, too. */
function certainty({ from, source }: ProvenanceEntry): number {
  return source === SET_BY_HAND ? CERTAINTY.length : CERTAINTY.indexOf(from);
}

function longestClass({ blocks }: Workload, { gpu }: System): SegmentClass {
  const parts = blocks.flatMap((block) => partTimes(block, gpu));
  const seconds = (of: SegmentClass) =>
    parts.reduce((sum, part) => (part.class === of ? sum + part.seconds : sum), 0);
  const times = new Map(SEGMENT_CLASSES.map((of) => [of, seconds(of)] as const));
  return [...times.entries()].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
}

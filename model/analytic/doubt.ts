import { SEGMENT_CLASSES, type SegmentClass } from '../dit/kinds.ts';
import { segmentTimeS } from '../physics/compute.ts';
import { moved } from '../physics/variants/moved.ts';
import type { Plan } from '../plan/plan.ts';
import { DIRECTIONS } from '../system/direction.ts';
import { SET_BY_HAND } from '../system/overrides.ts';
import type { ProvenanceEntry, System } from '../system/system.ts';
import { numbersOf, type Unknown } from '../system/unknowns.ts';
import { workloadUnknowns } from '../workload/unknowns.ts';
import type { Workload } from '../workload/workload.ts';
import { predictedStepS } from './stepReport.ts';

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
 */
export const OTHER_KERNELS: Factors = [0.5, 1.05];

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
  const noneS = predictedStepS(workload, system, none);
  const spreads = unknownCauses(workload, system).map(({ cause, direction, interval }): Spread => {
    const ends = interval.map((factor) => {
      const there = moved(system, direction, factor, workload.ranks);
      const step = predictedStepS(workload, there, plan) / stepS;
      return { step, versusNone: (step * noneS) / predictedStepS(workload, there, none) };
    });
    return {
      cause,
      step: around(ends.map(({ step }) => step)),
      versusNone: around(ends.map(({ versusNone }) => versusNone)),
    };
  });
  const own = heldOutError(workload, system);
  const isNone = plan.slots === 0 && plan.serialCopies === undefined && plan.transport === none.transport;
  spreads.push({ cause: 'model', step: own, versusNone: isNone ? [1, 1] : own });
  const widest = spreads.reduce((most, spread) => (width(spread) > width(most) ? spread : most));
  return {
    step: together(spreads.map(({ step }) => step)),
    versusNone: together(spreads.map(({ versusNone }) => versusNone)),
    decides: widest.cause,
    share: width(widest) / spreads.reduce((sum, spread) => sum + width(spread), 0),
    number: decidingNumber(widest.cause, workload, system, plan),
  };
}

interface UnknownCause extends Unknown {
  cause: Cause;
}

function unknownCauses(workload: Workload, system: System): UnknownCause[] {
  const ofMachine = workloadUnknowns(workload, system).map((unknown) => ({
    ...unknown,
    cause: unknown.direction,
  }));
  return hasOwnKernels(workload, system)
    ? ofMachine
    : [...ofMachine, { cause: 'kernels', direction: 'compute', interval: OTHER_KERNELS }];
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
  const seconds = (of: SegmentClass) =>
    blocks
      .flatMap(({ segments }) => segments)
      .reduce(
        (sum, segment) =>
          segment.kind === 'compute' && segment.class === of ? sum + segmentTimeS(segment, gpu) : sum,
        0,
      );
  const times = new Map(SEGMENT_CLASSES.map((of) => [of, seconds(of)] as const));
  return [...times.entries()].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
}

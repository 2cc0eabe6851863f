import type { SegmentClass } from '../dit/kinds.ts';
import { UserError } from '../input/userError.ts';
import { withClassSpeeds } from '../physics/variants/computeSpeed.ts';
import { withCollectiveRates } from '../physics/variants/scaled.ts';
import type { Plan } from '../plan/plan.ts';
import type { Anchor, AnchorSpeeds, ProvenanceEntry, System } from '../system/system.ts';
import type { Transport } from '../system/transport.ts';
import { numbersOf } from '../system/unknowns.ts';
import type { Workload } from '../workload/workload.ts';
import { predictedStepS, predictStep } from './stepReport.ts';

/** A step that somebody measured on this machine. */
export interface MeasuredStep {
  workload: Workload;
  plan: Plan;
  stepS: number;
  /** Seconds of that step in collectives; null where nobody took them apart. */
  collectiveS: number | null;
  /** Pixels and frames, as people write them. */
  size: string;
}

/** Times as factors on those of the machine's file. */
interface Slowness {
  compute: Readonly<Record<SegmentClass, number>>;
  collectives: number;
}

/** The file's machine with other times. */
type Machines = (slowness: Slowness) => System;

/** How much a step may be off when it counts as met, as a share. */
const MET = 1e-6;
const MOST_ROUNDS = 60;
/** Cards run above the clock that their data sheet's peak is of, by a tenth and more. */
const MOST_OF_PEAK = 1.15;
/** Nothing that was measured takes so many times as long, or so little of it. */
const MOST = 1e3;
/**
 * Other kernels than a machine file's take this share of their time at the least, and so many times as long at the most
 * (`OTHER_KERNELS` in model/analytic/doubt.ts). Where a whole step is beyond that, so are its kernels.
 */
const KERNELS = { least: 1 / 1.05, most: 2 };

/**
 * A machine on which a step takes what somebody measured: its compute and the collectives of the plan's transport take so many times as
 * long as its file says, all else stays. Where collectives were measured too, they have a factor of their own.
 *
 * One number does not say which kernels are slower. So the machine also has other speeds with which the step that was measured is as long:
 * all in attention, all in the rest, all in compute. At other sizes these differ, and widen what is predicted there (`doubtOf`).
 *
 * @throws UserError where no speed of compute makes the step that long.
 */
export function anchoredSystem(system: System, measured: MeasuredStep): System {
  const { plan, stepS, collectiveS, size, workload } = measured;
  const flow = system.transports.find(({ name, kind }) => name === plan.transport && kind === 'flow');
  const transport = workload.ranks > 1 ? (flow?.name ?? null) : null;
  const machine: Machines = (slowness) => slowed(system, slowness, transport);
  const met = metBy(measured, machine);
  const anchored = machine(met);
  refuseBeyondPeak(anchored, measured);
  const others = otherSlowness(measured, met, machine, transport !== null);
  const anchor: Anchor = {
    ...{ plan: plan.name, stepS, collectiveS, size, transport },
    speeds: speedsOf(met, { compute: all(1), collectives: 1 }),
    others: others.map((other) => speedsOf(other, met)),
  };
  return { ...anchored, anchor, provenance: provenanceOf(anchored, anchor) };
}

/** The speeds of one slowness on a machine that has another. */
function speedsOf(slowness: Slowness, has: Slowness): AnchorSpeeds {
  return {
    compute: mapped((of) => has.compute[of] / slowness.compute[of]),
    collectives: has.collectives / slowness.collectives,
  };
}

/** An anchored machine with other speeds, on its own. */
export function withAnchorSpeeds(system: System, { compute, collectives }: AnchorSpeeds): System {
  const slowness = { compute: mapped((of) => 1 / compute[of]), collectives: 1 / collectives };
  return slowed(system, slowness, system.anchor?.transport ?? null);
}

function slowed(system: System, { compute, collectives }: Slowness, transport: string | null): System {
  const slower = withClassSpeeds(
    system,
    mapped((of) => 1 / compute[of]),
  );
  const transports = system.transports.map(
    (one): Transport =>
      one.kind === 'flow' && one.name === transport
        ? withCollectiveRates(one, (rate) => ({ ...rate, bytesPerS: rate.bytesPerS / collectives }))
        : one,
  );
  return { ...slower, transports };
}

function mapped(value: (of: SegmentClass) => number): Readonly<Record<SegmentClass, number>> {
  return { gemm: value('gemm'), attention: value('attention'), elementwise: value('elementwise') };
}

function all(times: number): Readonly<Record<SegmentClass, number>> {
  return mapped(() => times);
}

/** One factor for compute and collectives, or one for each where both were measured. */
function metBy({ workload, plan, stepS, collectiveS }: MeasuredStep, machine: Machines): Slowness {
  const collectives = collectiveS === null ? null : collectiveTimes(collectiveS, workload, plan, machine);
  const own = (times: number): Slowness => ({ compute: all(times), collectives: collectives ?? times });
  const step = (times: number) => predictedStepS(workload, machine(own(times)), plan);
  const times = solved(step, stepS);
  if (times !== null) return own(times);
  throw new UserError(
    `--measured ${plan.name}=${ms(stepS)}: with no compute at all a step would take ${ms(step(1 / MOST))} by copies, collectives and the host; ` +
      'give a step without offload, or what you measured of the links by --set',
  );
}

function collectiveTimes(collectiveS: number, workload: Workload, plan: Plan, machine: Machines): number {
  const timeAt = (collectives: number) =>
    predictStep(workload, machine({ compute: all(1), collectives }), plan).collectiveS;
  const times = solved(timeAt, collectiveS);
  if (times !== null) return times;
  throw new UserError(
    `--measured-collectives ${ms(collectiveS)}: ${plan.transport} takes ${ms(timeAt(1))} for them, and no rate of its own changes that to this; leave it out`,
  );
}

/**
 * Where a function that grows with its factor has a value; null where it has it nowhere. Secants of logarithms guess, since most of a step
 * is proportional to its factor, and halves make sure.
 */
function solved(value: (factor: number) => number, wanted: number): number | null {
  let low = { factor: 1 / MOST, is: value(1 / MOST) };
  let high = { factor: MOST, is: value(MOST) };
  if (low.is > wanted || high.is < wanted) return null;
  let guess = 1;
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    const is = value(guess);
    if (Math.abs(is / wanted - 1) < MET) break;
    if (is < wanted) low = { factor: guess, is };
    else high = { factor: guess, is };
    const secant = guess * (wanted / is);
    const isGuess = round % 3 !== 0 && secant > low.factor && secant < high.factor;
    guess = isGuess ? secant : Math.sqrt(low.factor * high.factor);
  }
  return guess;
}

/**
 * Other ways to be that slow: all of it in one class of compute, as far as kernels differ, the remainder in the others; and where
 * collectives were not measured, none of it in them.
 */
function otherSlowness(
  measured: MeasuredStep,
  met: Slowness,
  machine: Machines,
  hasFlow: boolean,
): Slowness[] {
  const { workload, plan, stepS, collectiveS } = measured;
  const step = (slowness: Slowness) => predictedStepS(workload, machine(slowness), plan);
  const times = met.compute.gemm;
  const range = { least: KERNELS.least * Math.min(1, times), most: Math.max(KERNELS.most, times) };
  const inOne = (at: (one: number, rest: number) => Slowness): Slowness | null => {
    const alone = solved((one) => step(at(one, 1)), stepS);
    const one = Math.min(range.most, Math.max(range.least, alone ?? (times > 1 ? range.most : range.least)));
    const rest = one === alone ? 1 : solved((other) => step(at(one, other)), stepS);
    return rest === null ? null : at(one, rest);
  };
  const { collectives } = met;
  const found = [
    inOne((one, rest) => ({ compute: { gemm: rest, attention: one, elementwise: rest }, collectives })),
    inOne((one, rest) => ({ compute: { gemm: one, attention: rest, elementwise: rest }, collectives })),
    inOne((one, rest) => ({ compute: { gemm: rest, attention: rest, elementwise: one }, collectives })),
    hasFlow && collectiveS === null ? inOne((one) => ({ compute: all(one), collectives: 1 })) : null,
  ];
  return found.filter((slowness) => slowness !== null);
}

/** @throws UserError where matrix products or attention would be faster than the GPU can be. */
function refuseBeyondPeak({ gpu, name }: System, { stepS, plan, size }: MeasuredStep): void {
  const { gemm, attention } = gpu.efficiency;
  const most = Math.max(gemm, attention);
  if (most <= MOST_OF_PEAK) return;
  throw new UserError(
    `--measured ${plan.name}=${ms(stepS)}: ${size === '' ? '' : `at ${size} `}that takes ${most.toFixed(2)} times the peak of ${name}; ` +
      'is it the same model, size, number of GPUs and time of a whole step?',
  );
}

/** The machine's numbers, those that were brought to the step as measured ones. */
function provenanceOf(system: System, { plan, stepS, size, transport }: Anchor): ProvenanceEntry[] {
  const source = `a step of ${plan} that took ${ms(stepS)}${size === '' ? '' : ` at ${size}`}`;
  const compute = numbersOf(system, 'compute').map(({ key }) => key);
  const rates = numbersOf(system, 'collectives').map(({ key }) => key);
  const moved = new Set([
    ...compute,
    ...rates.filter((key) => transport !== null && key.startsWith(`transports.${transport}.`)),
  ]);
  return system.provenance.map((entry) => {
    if (!moved.has(entry.key)) return entry;
    const { interval: _, ...known } = entry;
    return { ...known, from: 'measured', source };
  });
}

function ms(seconds: number): string {
  return `${(seconds * 1e3).toLocaleString('en-US', { maximumFractionDigits: 1 })} ms`;
}

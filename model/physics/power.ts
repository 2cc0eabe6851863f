import { SEGMENT_CLASSES, type SegmentClass } from '../dit/kinds.ts';
import type { Power, System } from '../system/system.ts';
import { type BlockKind, type ComputeSegment, computeIn, type Workload } from '../workload/workload.ts';
import { relativeRate } from './relativeRate.ts';

/** Joules of one step's work on one rank at the highest clock, by class. */
export type StepEnergy = Readonly<Record<SegmentClass, number>>;

/**
 * The power law of a machine as it applies to a workload; null where the machine file knows none, and for compute that was measured: its
 * time holds at the clock that it had then, and its energy is not known.
 */
export function powerOf(workload: Workload, { gpu }: System): Power | null {
  return workload.from === 'profile' ? null : gpu.power;
}

const NOTHING: StepEnergy = { gemm: 0, attention: 0, elementwise: 0 };

const energies = new WeakMap<Workload, { power: Power; joules: StepEnergy }>();

/** Joules of one step's work on one rank at the highest clock, by class: the same whatever the plan. */
export function stepEnergyJ(workload: Workload, power: Power): StepEnergy {
  const known = energies.get(workload);
  if (known?.power === power) return known.joules;
  const joules = summedEnergyJ(workload, power);
  energies.set(workload, { power, joules });
  return joules;
}

function summedEnergyJ(workload: Workload, power: Power): StepEnergy {
  const ofKind = new Map<BlockKind, { class: SegmentClass; joules: number }[]>();
  const partsOf = (block: BlockKind) => {
    const parts =
      ofKind.get(block) ??
      block.segments.flatMap((segment) =>
        computeIn(segment).map((part) => ({ class: part.class, joules: joulesOf(part, power) })),
      );
    ofKind.set(block, parts);
    return parts;
  };
  const sums = { ...NOTHING };
  for (const block of workload.blocks) {
    for (const { class: of, joules } of partsOf(block)) sums[of] += workload.passes * joules;
  }
  return sums;
}

/** The same of one segment. */
export function segmentEnergyJ(segment: ComputeSegment, power: Power): StepEnergy {
  return { ...NOTHING, [segment.class]: joulesOf(segment, power) };
}

/**
 * A dtype with twice the peak takes half the energy for a FLOP: a GPU is built to run all of them within one power cap. No
 * measurement of ours says more.
 */
function joulesOf(segment: ComputeSegment, power: Power): number {
  const { class: of, flops, bytes } = segment;
  return of === 'elementwise'
    ? bytes * power.joulesPerByte
    : (flops * power.joulesPerFlop[of]) / relativeRate(segment, power.of).peak;
}

/** The clock that counts for a class, as a fraction of the highest that it can use: 1 down to its useful clock. */
function speed({ usefulClock }: Power, of: SegmentClass, clock: number): number {
  return clock < usefulClock[of] ? clock / usefulClock[of] : 1;
}

/** Factor on the time of a class's work at clock f, a fraction of the highest. */
export function slowdown(power: Power, of: SegmentClass, clock: number): number {
  return 1 / speed(power, of, clock);
}

/** Watts over a step of `stepTimeS` seconds at a clock. */
export function stepPowerW(power: Power, energy: StepEnergy, clock: number, stepTimeS: number): number {
  let joules = 0;
  for (const of of SEGMENT_CLASSES) joules += energy[of] * speed(power, of, clock) ** power.energyExponent;
  return power.idleW + joules / stepTimeS;
}

/** Halvings of the range of clocks: twelve leave a quarter of a per mille of it, less than any governor holds. */
const HALVINGS = 12;
/** Clocks tried on the way there; a guess costs as much as a halving. */
const GUESSES = 6;

/**
 * The clock at which a step stays within the power cap, as a fraction of the highest.
 *
 * The governor averages over tens of milliseconds, so what counts is the whole step: the busier the GPU, the
 * lower the clock; time saved on the link is partly paid back. Bisection, since power falls with the clock: what is known of
 * one clock holds for all below or above it. Work takes a power of the clock, nearly, so a secant of logarithms guesses
 * where the bisection will end, and few step times remain to be found.
 *
 * @param stepTimeAt the step time at a clock.
 * @param likely a clock near the answer, such as that of a similar step: it changes how many step times are asked for, not the answer.
 */
export function cappedClock(
  power: Power,
  energy: StepEnergy,
  stepTimeAt: (clock: number) => number,
  likely?: number,
): number {
  const { minClock, capW, idleW, energyExponent } = power;
  /** The highest clock that is known to fit, and the lowest that is known not to. */
  let fitting = 0;
  let exceeding = Number.POSITIVE_INFINITY;
  const wattsAt = (clock: number): number => {
    const watts = stepPowerW(power, energy, clock, stepTimeAt(clock));
    if (watts <= capW) fitting = Math.max(fitting, clock);
    else exceeding = Math.min(exceeding, clock);
    return watts;
  };
  const fits = (clock: number): boolean => clock <= fitting || (clock < exceeding && wattsAt(clock) <= capW);

  // Power is flat above the clocks that some of the work can use.
  const useful = SEGMENT_CLASSES.filter((of) => energy[of] > 0).map((of) => power.usefulClock[of]);
  let last = { clock: Math.max(...useful), workW: Number.NaN };
  const workAt = (clock: number) => ({ clock, workW: wattsAt(clock) - idleW });
  if (likely !== undefined && likely < 1) {
    const { low, high } = bisected(minClock, (middle) => middle <= likely);
    last = workAt(high);
    if (exceeding === high) last = workAt(low);
  }
  if (exceeding === Number.POSITIVE_INFINITY) {
    const highestW = wattsAt(1);
    if (fitting === 1) return 1;
    if (Number.isNaN(last.workW)) last.workW = highestW - idleW;
  }
  // Where compute fills the step, power falls with one power of the clock more than energy does.
  let exponent = energyExponent + 1;
  for (let guess = 0; guess < GUESSES; guess += 1) {
    const secant = last.clock * ((capW - idleW) / last.workW) ** (1 / exponent);
    const isBetween = secant < exceeding && (secant > fitting || fitting < minClock);
    const root = isBetween ? secant : (Math.max(fitting, minClock) + Math.min(exceeding, 1)) / 2;
    const ends = bisected(minClock, (middle) => middle <= root);
    const unknown = [ends.low, ends.high].find((clock) => clock > fitting && clock < exceeding);
    if (unknown === undefined) break;
    const next = workAt(unknown);
    exponent = Math.log(last.workW / next.workW) / Math.log(last.clock / next.clock);
    last = next;
  }
  return fits(minClock) ? bisected(minClock, fits).low : minClock;
}

/** Halvings after which nothing is left of the range of clocks that a double could tell apart. */
const HALVINGS_TO_THE_END = 50;

/**
 * As `cappedClock`, to the last bit: where differences of steps are looked at that its rounding would drown.
 *
 * @param stepTimeAt a step time that costs next to nothing to ask for.
 */
export function unroundedClock(
  power: Power,
  energy: StepEnergy,
  stepTimeAt: (clock: number) => number,
): number {
  const fits = (clock: number) => stepPowerW(power, energy, clock, stepTimeAt(clock)) <= power.capW;
  if (fits(1)) return 1;
  return fits(power.minClock) ? bisected(power.minClock, fits, HALVINGS_TO_THE_END).low : power.minClock;
}

/** Ends of the part of the range of clocks in which `fits` turns false. */
function bisected(
  minClock: number,
  fits: (clock: number) => boolean,
  halvings = HALVINGS,
): { low: number; high: number } {
  let low = minClock;
  let high = 1;
  for (let round = 0; round < halvings; round += 1) {
    const middle = (low + high) / 2;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return { low, high };
}

import type { Power } from '../system/system.ts';
import type { ComputeSegment, SegmentClass, Workload } from '../workload/workload.ts';

/** Joules of one step's work on one rank at the highest clock, by class. */
export type StepEnergy = Readonly<Record<SegmentClass, number>>;

const CLASSES: readonly SegmentClass[] = ['gemm', 'attention', 'elementwise'];

const NOTHING: StepEnergy = { gemm: 0, attention: 0, elementwise: 0 };

/** Joules of one step's work on one rank at the highest clock, by class. */
export function stepEnergyJ(workload: Workload, power: Power): StepEnergy {
  const joules = { ...NOTHING };
  for (const block of workload.blocks) {
    for (const segment of block.segments) {
      if (segment.kind !== 'compute') continue;
      joules[segment.class] += workload.passes * joulesOf(segment, power);
    }
  }
  return joules;
}

/** The same of one segment. */
export function segmentEnergyJ(segment: ComputeSegment, power: Power): StepEnergy {
  return { ...NOTHING, [segment.class]: joulesOf(segment, power) };
}

function joulesOf({ class: of, flops, bytes }: ComputeSegment, power: Power): number {
  return of === 'elementwise' ? bytes * power.joulesPerByte : flops * power.joulesPerFlop[of];
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
  for (const of of CLASSES) joules += energy[of] * speed(power, of, clock) ** power.energyExponent;
  return power.idleW + joules / stepTimeS;
}

/**
 * The clock at which a step stays within the power cap, as a fraction of the highest.
 *
 * The governor averages over tens of milliseconds, so what counts is the whole step: the busier the GPU, the
 * lower the clock; time saved on the link is partly paid back. Bisection, since power falls with the clock.
 *
 * @param stepTimeAt the step time at a clock.
 */
export function cappedClock(power: Power, energy: StepEnergy, stepTimeAt: (clock: number) => number): number {
  const fits = (clock: number) => stepPowerW(power, energy, clock, stepTimeAt(clock)) <= power.capW;
  if (fits(1)) return 1;
  let low = power.minClock;
  let high = 1;
  if (!fits(low)) return low;
  // Twelve halvings leave a quarter of a per mille of the clock, less than any governor holds.
  for (let round = 0; round < 12; round += 1) {
    const middle = (low + high) / 2;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

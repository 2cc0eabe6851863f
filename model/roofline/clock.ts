import type { Power } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';

/** Joules of one step's work on one rank at the highest clock. */
export function stepEnergyJ(workload: Workload, power: Power): number {
  let joules = 0;
  for (const block of workload.blocks) {
    for (const segment of block.segments) {
      if (segment.kind !== 'compute') continue;
      joules +=
        segment.class === 'elementwise'
          ? segment.bytes * power.joulesPerByte
          : segment.flops * power.joulesPerFlop[segment.class];
    }
  }
  return joules * workload.passes;
}

/** Factor on compute time at clock f, a fraction of the highest: (1 - share) + share / f. */
export function slowdown(power: Power, clock: number): number {
  return 1 - power.clockShare + power.clockShare / clock;
}

/** Watts over a step of `stepTimeS` seconds whose work costs `energyJ` at the highest clock. */
export function stepPowerW(power: Power, energyJ: number, clock: number, stepTimeS: number): number {
  return power.idleW + (energyJ * clock ** power.energyExponent) / stepTimeS;
}

/**
 * The clock at which a step stays within the power cap, as a fraction of the highest, and its step time.
 *
 * The governor averages over tens of milliseconds, so what counts is the whole step: the busier the GPU, the
 * lower the clock; time saved on the link is partly paid back. `stepTimeAt(slowdown)` gives the step time when
 * compute takes that factor longer; bisection, since power falls with the clock.
 */
export function cappedClock(power: Power, energyJ: number, stepTimeAt: (slowdown: number) => number): number {
  const fits = (clock: number) =>
    stepPowerW(power, energyJ, clock, stepTimeAt(slowdown(power, clock))) <= power.capW;
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

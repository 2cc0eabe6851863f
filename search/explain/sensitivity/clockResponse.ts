import { closedForm } from '../../../model/analytic/closedForm.ts';
import { powerOf, stepEnergyJ, stepPowerW } from '../../../model/physics/power.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import type { System } from '../../../model/system/system.ts';
import type { Workload } from '../../../model/workload/workload.ts';

/** What the power cap's clock adds to the slopes of a step at a fixed clock. */
export interface ClockResponse {
  /** Factor on the slope in whatever changes the step's time and not its energy. */
  onSlope: number;
  /** Seconds of step per watt of cap. */
  perCapWatt: number;
}

/** Relative change of the clock over which the step's slope in it is taken. */
const LITTLE = 1e-5;

/**
 * How a step at its power cap answers: the clock settles where the work's energy E(f) is what the cap leaves above idle
 * power, W, for the step's own time, E(f) = W T(f, p). Differentiating both sides,
 *
 *   dT/dp = T_p E' / (E' - W T_f)        dT/dW = T T_f / (E' - W T_f)
 *
 * with T_p and T_f the slopes of the step in the parameter and in the clock, each with the other fixed, and E' that of the
 * energy. T_f is below 0, so part of the time that is saved is paid back.
 *
 * Null where no cap holds the clock between its lowest and its highest.
 */
export function clockResponse(
  workload: Workload,
  system: System,
  plan: Plan,
  clock: number,
): ClockResponse | null {
  const power = powerOf(workload, system);
  if (power === null || clock >= 1 || clock <= power.minClock) return null;
  const stepS = (at: number) => closedForm(workload, system, plan, at).stepTimeS;
  const energy = stepEnergyJ(workload, power);
  // Watts above idle of a step of a second are its joules.
  const joules = (at: number) => stepPowerW(power, energy, at, 1);
  const slope = (of: (at: number) => number) =>
    (of(clock * (1 + LITTLE)) - of(clock * (1 - LITTLE))) / (2 * LITTLE * clock);
  const perClockS = slope(stepS);
  const perClockJ = slope(joules);
  const net = perClockJ - (power.capW - power.idleW) * perClockS;
  if (!(net > 0)) return null;
  return { onSlope: perClockJ / net, perCapWatt: (stepS(clock) * perClockS) / net };
}

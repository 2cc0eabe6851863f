import { predictedStepS } from '../../../model/analytic/stepReport.ts';
import { rowsAt } from '../../../model/dit/tokens.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import type { System } from '../../../model/system/system.ts';
import { rebound } from '../../../model/workload/bind.ts';
import type { Workload } from '../../../model/workload/workload.ts';
import { machineParameters } from './parameters.ts';

/** A plan's step with one parameter a share smaller and a share larger, all others as they are. Seconds. */
export interface Swing {
  parameter: string;
  /** As it is, with its unit. */
  value: string;
  smallerS: number;
  largerS: number;
}

/**
 * What a plan's step in closed form becomes as each number of the machine, the power cap and the tokens go a share down and up, the one
 * with the largest effect first. Unlike `sensitivities`, which are slopes at the point, these see the kinks on the way. The plan is the
 * same data everywhere, and the power cap's clock settles anew.
 *
 * @param share such as 0.1 for 10 % to each side.
 */
export function swings(workload: Workload, system: System, plan: Plan, share: number): Swing[] {
  const stepS = (at: Workload, on: System) => predictedStepS(at, on, plan);
  const both = (of: (factor: number) => number) => ({ smallerS: of(1 - share), largerS: of(1 + share) });
  const ofMachine = machineParameters(workload, system, plan).map(({ name, value, unit, times }) => ({
    parameter: name,
    value: `${digits(value / unit.si)} ${unit.name}`,
    ...both((factor) => stepS(workload, times(factor))),
  }));
  const found = [
    ...ofMachine,
    ...capSwing(system, (on) => stepS(workload, on), both),
    ...tokensSwing(workload, (at) => stepS(at, system), both),
  ];
  const size = ({ smallerS, largerS }: Swing) => Math.abs(largerS - smallerS);
  return found.sort((a, b) => size(b) - size(a));
}

type Both = (of: (factor: number) => number) => Pick<Swing, 'smallerS' | 'largerS'>;

function capSwing(system: System, stepS: (on: System) => number, both: Both): Swing[] {
  const { power } = system.gpu;
  if (power === null) return [];
  const capped = (factor: number): System => ({
    ...system,
    gpu: { ...system.gpu, power: { ...power, capW: power.capW * factor } },
  });
  return [
    { parameter: 'power cap', value: `${digits(power.capW)} W`, ...both((factor) => stepS(capped(factor))) },
  ];
}

/** A profile knows no other size than its own. */
function tokensSwing(workload: Workload, stepS: (at: Workload) => number, both: Both): Swing[] {
  if (workload.from === 'profile') return [];
  const { model, size, tokens, textRows } = workload;
  const at = (factor: number) =>
    rebound(workload, { ...rowsAt(model, tokens * factor, size.frames), t: textRows });
  return [{ parameter: 'tokens', value: `${digits(tokens)} tokens`, ...both((factor) => stepS(at(factor))) }];
}

function digits(value: number): number {
  return Number(value.toPrecision(4));
}

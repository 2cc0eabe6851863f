import type { System } from '../system/system.ts';
import { type Unknown, unknownsOf } from '../system/unknowns.ts';
import type { Workload } from './workload.ts';

/**
 * The directions in which a workload's step on a machine is uncertain: the machine's, but that compute which was measured is as
 * uncertain as its measurement, whatever the machine's file says of efficiencies.
 */
export function workloadUnknowns(workload: Workload, system: System): Unknown[] {
  const ofMachine = unknownsOf(system);
  if (workload.from !== 'profile') return ofMachine;
  const interval = workload.computeInterval;
  const others = ofMachine.filter(({ direction }) => direction !== 'compute');
  return interval[0] < 1 || interval[1] > 1 ? [...others, { direction: 'compute', interval }] : others;
}

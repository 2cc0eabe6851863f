import { median } from 'simple-statistics';
import { slowdown } from '../../model/roofline/clock.ts';
import { segmentTimeS } from '../../model/roofline/segmentTime.ts';
import { collectiveAloneS } from '../../model/system/linkShare.ts';
import { transportOf } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { type CaseTimes, simulateCase } from '../../sim/simulateCase.ts';
import type { CaseReading, SegmentReading } from './readings.ts';

/** What a machine predicts for each reading, in the reading's unit. */
export function predictCases(system: System, readings: readonly CaseReading[]): number[] {
  // Several readings come from one case.
  const times = new Map<string, CaseTimes>();
  return readings.map(({ id, quantity, parameters, groupSize }) => {
    if (parameters.kind === 'collective') {
      const transport = transportOf(system, parameters.transport);
      // By itself a flow needs no simulation.
      if (transport.kind === 'flow')
        return collectiveAloneS(transport, parameters.collective, parameters.sentBytes);
    }
    let simulated = times.get(id);
    if (simulated === undefined) {
      simulated = simulateCase(system, groupSize, parameters);
      times.set(id, simulated);
    }
    switch (quantity) {
      case 'callS':
        return median(simulated.callS.slice(1));
      case 'firstCallS':
        return simulated.callS[0]!;
      case 'h2dBytesPerS':
        return simulated.windowBytes / simulated.windowS;
      default:
        return simulated[quantity];
    }
  });
}

/** Seconds of segments at the clocks that were read while they were measured; the highest where none was. */
export function predictSegments({ gpu }: System, readings: readonly SegmentReading[]): number[] {
  const { power } = gpu;
  return readings.map(({ segment, smHz }) => {
    const clock =
      smHz === null || power === null || power.topClockHz === null ? 1 : Math.min(1, smHz / power.topClockHz);
    // Device memory does not slow down with the clock of the multiprocessors.
    const scales = power !== null && segment.class !== 'elementwise';
    return segmentTimeS(segment, gpu) * (scales ? slowdown(power, clock) : 1);
  });
}

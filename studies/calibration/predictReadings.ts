import { median } from 'simple-statistics';
import { segmentTimeS } from '../../model/physics/compute.ts';
import { collectiveAloneS, runningRanks } from '../../model/physics/linkShare.ts';
import { cappedClock, segmentEnergyJ, slowdown, stepPowerW } from '../../model/physics/power.ts';
import type { System } from '../../model/system/system.ts';
import { transportOf } from '../../model/system/transport.ts';
import { type CaseTimes, simulateCase } from '../../sim/simulateCase.ts';
import type { CaseReading, SegmentReading } from './readings.ts';

/** What a machine predicts for each reading, in the reading's unit. */
export function predictCases(system: System, readings: readonly CaseReading[]): number[] {
  // Several readings come from one case.
  const times = new Map<string, CaseTimes>();
  return readings.map(({ id, quantity, parameters, groupSize }) => {
    if (parameters.kind === 'collective') {
      const transport = transportOf(system, parameters.transport, groupSize);
      // One rank's flow by itself takes what its rate says; those of several share host memory.
      if (transport.kind === 'flow' && runningRanks(system, groupSize) === 1)
        return collectiveAloneS(transport, parameters.collective, parameters.sentBytes);
    }
    const key = `${groupSize} ${id}`;
    let simulated = times.get(key);
    if (simulated === undefined) {
      simulated = simulateCase(system, groupSize, parameters);
      times.set(key, simulated);
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

/**
 * What a machine predicts for segments by themselves, in the readings' units: what ran for a moment at the clock that was
 * read, what was sustained at the clock that the power cap allows.
 */
export function predictSegments({ gpu }: System, readings: readonly SegmentReading[]): number[] {
  return readings.map(({ segment, smHz, sustained, gapS, quantity }) => {
    const { power } = gpu;
    const fullS = segmentTimeS(segment, gpu);
    if (power === null || power.topClockHz === null) return fullS;
    const runS = (clock: number) => fullS * slowdown(power, segment.class, clock);
    if (!sustained) return runS(smHz === null ? 1 : Math.min(1, smHz / power.topClockHz));
    const energy = segmentEnergyJ(segment, power);
    const clock = cappedClock(power, energy, (at) => runS(at) + gapS);
    return {
      runS: runS(clock),
      smHz: clock * power.topClockHz,
      powerW: stepPowerW(power, energy, clock, runS(clock) + gapS),
    }[quantity];
  });
}

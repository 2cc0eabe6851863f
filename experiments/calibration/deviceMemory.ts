import type { MeasuredRun } from '../../codegen/measure/readMeasurement.ts';
import type { System } from '../../model/system/system.ts';
import { distinctTransports } from '../../model/system/transport.ts';
import type { Calibration } from './calibrationFile.ts';
import { type FittedEntry, written } from './machineValues.ts';

/**
 * Device memory of NCCL's transports, by key of the machine file: what a calibration program's device has in use behind all
 * collectives of a transport, less what it had behind copies alone, each without the program's own allocations. NCCL takes its
 * buffers for the life of a communicator, and the more peers, the more.
 *
 * Empty for calibrations whose programs did not write their memory.
 */
export function measuredMemory(
  calibration: Calibration,
  system: System,
  from: string,
): Map<string, FittedEntry> {
  const entries = new Map<string, FittedEntry>();
  const measured = (bytes: number): FittedEntry => ({
    is: written(bytes / 2 ** 20, 'MiB'),
    from: 'measured',
    source: from,
  });
  const ofNccl = distinctTransports(system).filter(({ carrier }) => carrier.by === 'nccl');
  const usual = usualRanks(calibration);
  for (const run of calibration.cases) {
    const beyond = beyondAllocations(run);
    const without = beyond.get('none');
    if (without === undefined) continue;
    for (const { name } of ofNccl) {
      const own = beyond.get(name);
      if (own === undefined) continue;
      const { groupSize } = run.run;
      const place = groupSize === usual ? name : `${name}.ranks.${groupSize}`;
      entries.set(`transports.${place}.deviceBuffers`, measured(Math.max(0, own - without)));
    }
  }
  return entries;
}

/** The largest group that was calibrated: its numbers are the transport's own, those of others hold for their number only. */
function usualRanks({ cases }: Calibration): number {
  return Math.max(0, ...cases.map(({ run }) => run.groupSize));
}

/** By plan, which in a calibration program is called as its transport: bytes that the device has in use beyond the program's own. */
function beyondAllocations({ memory }: MeasuredRun): Map<string, number> {
  return new Map(
    memory
      .filter(({ devicePeakBytes }) => devicePeakBytes > 0)
      .map(({ name, devicePeakBytes, allocatedPeakBytes }) => [
        name,
        Math.max(0, devicePeakBytes - allocatedPeakBytes),
      ]),
  );
}

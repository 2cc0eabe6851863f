import { median } from 'simple-statistics';
import type { MeasuredRun } from '../../measure/readMeasurement.ts';
import type { System } from '../../model/system/system.ts';
import { distinctTransports, transportNamed } from '../../model/system/transport.ts';
import type { Calibration } from './calibrationFile.ts';
import { type FittedEntry, written } from './machineValues.ts';

/**
 * Device memory that no plan decides, in MiB by key of the machine file; empty for calibrations whose programs did not write
 * their memory.
 *
 * - `transports.*.deviceBuffers` of NCCL's transports, from programs of copies and collectives: what the device has in use behind
 *   all collectives of a transport, less what it had behind copies alone, each without the program's own allocations. NCCL takes
 *   its buffers for the life of a communicator, and the more peers, the more.
 * - `host.deviceReserve`, from programs of segments, which have loaded what compute needs: the median over those without NCCL of
 *   what the device has in use beyond the program's claim without its reserve.
 *
 * @param system that was calibrated: its default transport is that of the programs of segments.
 * @param from the results files, for provenance.
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
  const reserves = segmentReserves(calibration, system);
  if (reserves.length > 0) entries.set('host.deviceReserve', measured(Math.max(0, median(reserves))));
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

/** Bytes in use beyond the claims of segment programs without their reserve, one number for each program without NCCL. */
function segmentReserves({ segments }: Calibration, system: System): number[] {
  const { carrier } = transportNamed(system);
  return segments.flatMap(({ run, computes }) => {
    // NCCL's kernels and buffers are those of its transport: `deviceBuffers`.
    if (carrier.by === 'nccl' && computes.sp > 1) return [];
    return run.memory.flatMap(({ devicePeakBytes, claimedBytes, claim }) =>
      devicePeakBytes > 0 && claim.reserveBytes !== undefined
        ? [devicePeakBytes - (claimedBytes - claim.reserveBytes)]
        : [],
    );
  });
}

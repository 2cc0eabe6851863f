import { type CaseParameters, caseId } from '../../../model/calibration/cases.ts';
import { KiB } from '../../../model/input/byteUnits.ts';
import { UserError } from '../../../model/input/userError.ts';
import type { System } from '../../../model/system/system.ts';
import type { CollectiveReading } from '../../imports/importedReading.ts';
import type { CaseReading } from '../readings.ts';

/** Smaller messages go by another protocol of NCCL's and are no part of a block; `calibrate` measures none either. */
const LEAST_BYTES = 64 * KiB;
/** Sizes that decide a start-up and a rate. */
const LEAST_SIZES = 3;
/** As `calibrate` calls each; a rate does not depend on it. */
const CALLS = 6;

export interface CollectiveReadings {
  readings: CollectiveReading[];
  notes: string[];
  /** The readings as a calibration has them, of a transport; all of them are fitted. */
  casesOver: (transport: string) => CaseReading[];
}

/**
 * Readings of nccl-tests that a machine can be fitted to.
 *
 * @throws UserError where there are readings, and none of them is of so many GPUs as the machine has.
 */
export function collectiveReadings(
  all: readonly CollectiveReading[],
  { id, gpus, peer }: System,
): CollectiveReadings {
  const notes: string[] = [];
  const [first] = all;
  if (first !== undefined && peer !== 'real')
    throw new UserError(
      `${first.source}: collectives of ${first.ranks} GPUs, and ${id} has ${peer} peers; name a machine with as many GPUs, ` +
        'or give the topology of this one as well',
    );
  const fitting = all.filter(({ ranks }) => ranks <= gpus.length);
  if (first !== undefined && fitting.length === 0)
    throw new UserError(
      `${first.source}: collectives of ${first.ranks} ranks, and ${id} has ${gpus.length} GPUs; name a machine with as many, ` +
        'or give the topology of this one as well',
    );
  if (fitting.length < all.length)
    notes.push(`${all.length - fitting.length} times are of more ranks than the machine has GPUs; left out`);
  const large = fitting.filter(({ sentBytes }) => sentBytes >= LEAST_BYTES);
  const hasSizes = new Set(large.map(({ sentBytes }) => sentBytes)).size >= LEAST_SIZES;
  const readings = hasSizes ? large : fitting;
  if (readings.length < fitting.length)
    notes.push(
      `${fitting.length - readings.length} times of messages below 64 KiB, smaller than any of a block; left out`,
    );
  return {
    readings,
    notes,
    casesOver: (transport) => readings.map((reading) => caseOf(reading, transport)),
  };
}

function caseOf(
  { collective, ranks, sentBytes, seconds }: CollectiveReading,
  transport: string,
): CaseReading {
  const parameters: CaseParameters = {
    ...{ kind: 'collective', collective, transport, sentBytes, pieceBytes: null, calls: CALLS },
  };
  return {
    ...{ kind: 'case', id: `${caseId(parameters)}/${ranks}`, side: 'fit', quantity: 'callS', parameters },
    ...{ groupSize: ranks, measured: seconds, spread: 0 },
  };
}

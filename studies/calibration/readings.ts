import { createHash } from 'node:crypto';
import { max, median, min } from 'simple-statistics';
import { type MeasuredRun, placeOfRecord } from '../../measure/readMeasurement.ts';
import type { MeasurementRecord } from '../../measure/records.ts';
import type { CaseParameters } from '../../model/calibration/cases.ts';
import { grouped } from '../../model/input/grouped.ts';
import { atPlace, shown, UserError } from '../../model/input/userError.ts';
import { carrierByName } from '../../model/system/transport.ts';
import type { ComputeSegment, Workload } from '../../model/workload/workload.ts';
import type { Calibration } from './calibrationFile.ts';
import { segmentWorkload } from './segmentPrograms.ts';

export type Side = 'fit' | 'held-out';

interface ReadingBase {
  id: string;
  side: Side;
  /** Median over rounds. */
  measured: number;
  /** How far the rounds lie apart: the largest less the smallest, over the median. */
  spread: number;
}

/** A number that a case measured on rank 0. */
export interface CaseReading extends ReadingBase {
  kind: 'case';
  /** Seconds of all chunks of a direction or of a call, or bytes/s of the copies beside calls. */
  quantity: 'downS' | 'upS' | 'callS' | 'firstCallS' | 'h2dBytesPerS';
  parameters: CaseParameters;
  groupSize: number;
}

/** A segment by itself, over and over, with a pause after each run. */
export interface SegmentReading extends ReadingBase {
  kind: 'segment';
  /** Seconds of a run, the clock, or watts. */
  quantity: 'runS' | 'smHz' | 'powerW';
  segment: ComputeSegment;
  gapS: number;
  /** Whether it ran until clock and power had settled: then they are what the power cap makes of it. */
  sustained: boolean;
  /** Read meanwhile. */
  smHz: number | null;
}

export interface Readings {
  cases: CaseReading[];
  segments: SegmentReading[];
  /** What was measured and is not used, and why. */
  notes: string[];
  /** Whether only what depends on the host was measured: the GPU's own numbers stay as they are. */
  hostOnly?: boolean;
}

/** On which side of the split a reading is: decided by its id alone, before anything is measured. */
export function sideOf(id: string): Side {
  return createHash('sha256').update(id).digest()[0]! % 2 === 0 ? 'fit' : 'held-out';
}

/** Every number that a calibration measured, each once. */
export function readingsOf(calibration: Calibration): Readings {
  const notes = [...calibration.notes];
  const side = calibration.split === 'none' ? () => 'fit' as const : sideOf;
  const cases = caseReadings(calibration.cases, side, notes);
  const segments = calibration.segments.flatMap(({ run, computes, place }) =>
    segmentReadings(
      run,
      atPlace(place, () => segmentWorkload(computes)),
    ),
  );
  return { cases, segments, notes, hostOnly: calibration.hostOnly };
}

type CaseRecord = MeasurementRecord<'case'>;

/** Rounds of one case between as many ranks are one reading, whichever runs they are of. */
function caseReadings(
  runs: readonly MeasuredRun[],
  sideAt: (id: string) => Side,
  notes: string[],
): CaseReading[] {
  const records = runs.flatMap((run) => run.cases.map((record) => ({ run, record })));
  const groups = grouped(records, ({ run, record }) => `${run.run.groupSize} ${record.id}`);
  return [...groups.values()].flatMap((found) => {
    const [{ run, record }] = found as [(typeof found)[number]];
    const { groupSize } = run.run;
    const { id, parameters } = record;
    const rounds = found.map((round) => round.record);
    const make = (quantity: CaseReading['quantity'], of: (rank: CaseRecord['ranks'][number]) => number) => {
      const values = rounds.map(({ ranks }) => of(ranks[0]!));
      const reading = { kind: 'case', id, side: sideAt(id), quantity, parameters, groupSize } as const;
      const measured = aboveZero(median(values), `case ${shown(id)}: ${quantity}`, run, record);
      return { ...reading, measured, spread: spreadOf(values) };
    };
    if (parameters.kind === 'copies') {
      const down = parameters.direction === 'd2h' ? [] : [make('downS', ({ downS }) => downS)];
      const up = parameters.direction === 'h2d' ? [] : [make('upS', ({ upS }) => upS)];
      return [...down, ...up];
    }
    // The first call finds streams asleep.
    const call = make('callS', ({ callS }) => median(callS.slice(1)));
    if (parameters.kind === 'collective') return [call];
    const rate = make('h2dBytesPerS', ({ windowBytes, windowS }) => windowBytes / windowS);
    if (rounds.every(({ ranks }) => ranks[0]!.outlasted)) return [call, rate];
    if (carrierByName(parameters.transport) === 'copy-engines')
      return [make('firstCallS', ({ callS }) => callS[0]!)];
    if (rounds.every(({ ranks }) => callsBeside(ranks[0]!).length >= LEAST_CALLS_BESIDE)) {
      const copied = parameters.chunkBytes * parameters.chunks;
      return [
        make('callS', (rank) => median(callsBeside(rank))),
        make('h2dBytesPerS', ({ downS }) => copied / downS),
      ];
    }
    notes.push(`${id}: the copies ended before the collectives; not used`);
    return [];
  });
}

/** Calls that had copies beside them from beginning to end, the first one aside, which finds streams asleep. */
function callsBeside({ callS, downS }: CaseRecord['ranks'][number]): number[] {
  let endS = 0;
  return callS.filter((seconds, index) => {
    endS += seconds;
    return index > 0 && endS <= downS;
  });
}

/** Fewer say too little of calls beside copies, where the copies ended before the last call. */
const LEAST_CALLS_BESIDE = 2;

/** The driver's power is a mean over about a second; what runs for less has not settled. */
const SETTLED_S = 2;

type SegmentRecord = MeasurementRecord<'segment'>;

function segmentReadings(run: MeasuredRun, workload: Workload): SegmentReading[] {
  // Collectives hold the multiprocessors, and no step runs them beside compute.
  const alone = run.segments.filter(({ beside }) => beside === 'nothing');
  const isSustained = ({ windowS }: SegmentRecord) => (windowS ?? 0) >= SETTLED_S;
  const placeOf = ({ position, name }: SegmentRecord) => `${run.run.program}/${position}/${name}`;
  const paused = new Set(alone.filter((record) => record.gapS > 0 && !isSustained(record)).map(placeOf));
  return alone.flatMap((record): SegmentReading[] => {
    const sustained = isSustained(record);
    // Long segments without a pause pull the clock down, and it has not got there yet.
    if (!sustained && record.gapS === 0 && paused.has(placeOf(record))) return [];
    const block = workload.blocks[record.position % workload.blocks.length]!;
    const segment = block.segments.find(
      (candidate): candidate is ComputeSegment =>
        candidate.kind === 'compute' && candidate.name === record.name,
    );
    if (segment === undefined) {
      throw new UserError(
        `${run.run.program}: block ${record.position} has no segment ${shown(record.name)}; measure it anew`,
        placeOfRecord(run, record),
      );
    }
    const { gapS, runS, smHz, powerW } = record;
    const pause = gapS === 0 ? '' : `/pause ${(gapS / runS).toFixed(1)}`;
    const common = {
      ...({ kind: 'segment', spread: 0, segment, gapS, sustained } as const),
      id: `${placeOf(record)}${sustained ? '/sustained' : ''}${pause}`,
      // Pauses of one segment belong together.
      side: sideOf(placeOf(record)),
      smHz: smHz === 0 ? null : smHz,
    };
    const time = { ...common, quantity: 'runS', measured: runS } as const;
    if (!sustained || smHz === null || powerW === null) return [time];
    return [
      time,
      { ...common, quantity: 'smHz', measured: aboveZero(smHz, 'segment.smHz', run, record) },
      { ...common, quantity: 'powerW', measured: aboveZero(powerW, 'segment.powerW', run, record) },
    ];
  });
}

/** Errors are relative to what was measured. */
function aboveZero(measured: number, what: string, run: MeasuredRun, record: object): number {
  if (measured > 0) return measured;
  throw new UserError(
    `${what}: expected more than 0, got ${measured}; measure it anew`,
    placeOfRecord(run, record),
  );
}

function spreadOf(values: readonly number[]): number {
  return (max([...values]) - min([...values])) / median([...values]);
}

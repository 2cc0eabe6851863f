import { median } from 'simple-statistics';
import type { MeasuredRun } from '../../measure/readMeasurement.ts';
import type { MeasurementRecord } from '../../measure/records.ts';
import type { CaseParameters } from '../../model/calibration/cases.ts';
import { MiB } from '../../model/input/byteUnits.ts';
import type { Calibration } from '../calibration/calibrationFile.ts';
import { readingsOf, type SegmentReading } from '../calibration/readings.ts';
import { type NodeGpu, type Quantity, type Readings, ReadingsOfNode } from './quantity.ts';

/** Copies that last longer than the pauses between them show the link. */
const LARGE_COPY_BYTES = 4 * MiB;
/** Messages from this size on show a transport's rate, those up to the other its latency. */
const LARGE_MESSAGE_BYTES = 16 * MiB;
const SMALL_MESSAGE_BYTES = MiB / 4;

/** What a calibration says of its node: copies, collectives, compute, clock and power. */
export function calibrationReadings(calibration: Calibration): Readings[] {
  const readings = new ReadingsOfNode();
  for (const run of calibration.cases)
    for (const record of run.cases) {
      const { parameters } = record;
      if (parameters.kind === 'copies') addCopies(readings, run, record, parameters);
      else if (parameters.kind === 'collective') addCall(readings, run, record, parameters);
    }
  const [run] = calibration.segments;
  if (run !== undefined)
    // Nine small programs, all of them on rank 0's GPU.
    for (const reading of readingsOf(calibration).segments) addSegment(readings, gpuOf(run.run, 0), reading);
  return readings.all();
}

/** @param rank of the run. */
export function gpuOf({ run }: MeasuredRun, rank: number): NodeGpu | null {
  const device = run.devices[rank];
  return device === undefined || device.pciBus === ''
    ? null
    : { rank, pciBus: device.pciBus, uuid: device.uuid };
}

type CaseRecord = MeasurementRecord<'case'>;
type Parameters<Kind extends CaseParameters['kind']> = Extract<CaseParameters, { kind: Kind }>;

const rateOf = (name: string, of: 'link' | 'host' | 'collective'): Quantity => ({
  ...{ name, class: of, unit: 'GB/s', better: 'more' },
});

const DIRECTIONS = { h2d: 'H2D', d2h: 'D2H', both: 'both directions' } as const;

function addCopies(
  readings: ReadingsOfNode,
  run: MeasuredRun,
  { id, ranks }: CaseRecord,
  { direction, gpus, chunkBytes, chunks, paceS }: Parameters<'copies'>,
): void {
  if (chunkBytes < LARGE_COPY_BYTES || chunks < 4 || paceS > 0) return;
  const bytes = chunkBytes * chunks * (direction === 'both' ? 2 : 1);
  const rates = ranks.slice(0, gpus).map(({ downS, upS }) => bytes / Math.max(downS, upS) / 1e9);
  if (gpus === 1) {
    const of = direction === 'both' ? 'host' : 'link';
    readings.add(rateOf(`${DIRECTIONS[direction]}, one GPU`, of), gpuOf(run, 0), id, rates[0]!);
  } else if (gpus === ranks.length) {
    const quantity = rateOf(`${DIRECTIONS[direction]}, ${gpus} GPUs at once`, 'host');
    for (const [rank, rate] of rates.entries()) readings.add(quantity, gpuOf(run, rank), id, rate);
    const sum = rates.reduce((total, rate) => total + rate, 0);
    if (direction === 'both') readings.add(rateOf(`host memory, ${gpus} GPUs`, 'host'), null, id, sum);
  }
}

function addCall(
  readings: ReadingsOfNode,
  { run }: MeasuredRun,
  { id, ranks }: CaseRecord,
  { collective, transport, sentBytes }: Parameters<'collective'>,
): void {
  // Of staged-sm, numbers of CTAs are items of one transport. The first call finds streams asleep.
  const peers = run.place === 'real' ? '' : `, ${run.place}`;
  const over = `${collective} over ${transport.replace(/:.*/, '')}, ${run.groupSize} ranks${peers}`;
  const seconds = Math.max(...ranks.map(({ callS }) => median(callS.length > 1 ? callS.slice(1) : callS)));
  const perPeer = sentBytes / Math.max(1, run.groupSize - 1);
  if (perPeer >= LARGE_MESSAGE_BYTES)
    readings.add(rateOf(`${over}: rate`, 'collective'), null, id, sentBytes / seconds / 1e9);
  if (perPeer <= SMALL_MESSAGE_BYTES)
    readings.add(
      { name: `${over}: latency`, class: 'latency', unit: 'us', better: 'less' },
      ...([null, id, seconds * 1e6] as const),
    );
}

const COMPUTE = {
  gemm: 'matrix products',
  attention: 'attention',
  elementwise: 'elementwise kernels',
} as const;

function addSegment(
  readings: ReadingsOfNode,
  gpu: NodeGpu | null,
  { id, segment, quantity, sustained, measured, smHz }: SegmentReading,
): void {
  if (quantity === 'runS' && !sustained) {
    const what = { name: COMPUTE[segment.class], class: 'compute' } as const;
    if (segment.class === 'elementwise')
      readings.add({ ...what, unit: 'GB/s', better: 'more' }, gpu, id, segment.bytes / measured / 1e9);
    else readings.add({ ...what, unit: 'TFLOP/s', better: 'more' }, gpu, id, segment.flops / measured / 1e12);
    if (smHz !== null)
      readings.add(
        { name: 'clock, short runs', class: 'clock', unit: 'GHz', better: 'more' },
        gpu,
        id,
        smHz / 1e9,
      );
  }
  if (quantity === 'smHz')
    readings.add(
      { name: 'clock, sustained', class: 'clock', unit: 'GHz', better: 'more' },
      gpu,
      id,
      measured / 1e9,
    );
  if (quantity === 'powerW')
    readings.add({ name: 'power, sustained', class: 'power', unit: 'W', better: null }, gpu, id, measured);
}

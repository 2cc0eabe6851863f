import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MeasuredRun } from '../../../measure/readMeasurement.ts';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { type Calibration, readCalibration } from '../../../studies/calibration/calibrationFile.ts';
import { measuredMemory } from '../../../studies/calibration/deviceMemory.ts';

const test = suite('device memory that no plan decides');
const MiB = 2 ** 20;

/** A run of a calibration program: by transport, MiB in use on the device and MiB that the program allocated. */
function runOf(groupSize: number, memory: Record<string, [inUse: number, allocated: number]>): MeasuredRun {
  return {
    run: { groupSize },
    memory: Object.entries(memory).map(([name, [inUse, allocated]]) => ({
      name,
      devicePeakBytes: inUse * MiB,
      allocatedPeakBytes: allocated * MiB,
    })),
  } as MeasuredRun;
}

const measuredOf = (calibration: object, machine: string) =>
  Object.fromEntries(
    [...measuredMemory(calibration as Calibration, loadSystem(machine), 'pair.jsonl')].map(
      ([key, { is, from }]) => [key, [is, from]],
    ),
  );

const of = (...cases: MeasuredRun[]) => measuredOf({ cases, segments: [] }, 'h200-x2');

test('what a transport has in use beyond copies, without what the program allocates', () => {
  // 500 MiB of context and kernels without NCCL; with it 1700 - 300 = 1400.
  const run = runOf(2, { none: [700, 200], 'staged-copy': [710, 200], shm: [1700, 300] });
  assert.equal(of(run), { 'transports.shm.deviceBuffers': ['900 MiB', 'measured'] });
});

test('of the largest group for every number of ranks, of others for theirs only', () => {
  const two = runOf(2, { none: [700, 200], shm: [1600, 200] });
  const four = runOf(4, { none: [700, 200], shm: [2000, 200], nvlink: [1000, 200] });
  assert.equal(of(two, four), {
    'transports.shm.ranks.2.deviceBuffers': ['900 MiB', 'measured'],
    'transports.shm.deviceBuffers': ['1300 MiB', 'measured'],
    'transports.nvlink.deviceBuffers': ['300 MiB', 'measured'],
  });
});

test('nothing where programs did not write their memory, or devices do not report it', () => {
  assert.equal(of(runOf(2, {})), {});
  assert.equal(of(runOf(2, { none: [0, 200], shm: [0, 200] })), {});
  assert.equal(of(runOf(2, { shm: [1700, 300] })), {});
});

/** A run of a program of segments: ranks, and MiB in use on the device, claimed by the program, and reserve in that claim. */
function segmentsOf(sp: number, inUse: number, claimed: number, reserve?: number) {
  const claim = reserve === undefined ? {} : { reserveBytes: reserve * MiB };
  const memory = [{ devicePeakBytes: inUse * MiB, claimedBytes: claimed * MiB, claim }];
  return { run: { memory }, computes: { sp } };
}

for (const [what, machine, segments, reserve] of [
  // 3000 - (2900 - 800) = 900, and 1000, and 1010.
  [
    'the median over programs of what lies beyond their claims',
    'h200-x1',
    [segmentsOf(1, 3000, 2900, 800), segmentsOf(2, 3000, 2800, 800), segmentsOf(1, 2010, 2000, 1000)],
    '1000 MiB',
  ],
  [
    "programs of several ranks have NCCL's memory where it carries them",
    'h200-x2',
    [segmentsOf(2, 3900, 2900, 800), segmentsOf(1, 3000, 2900, 800)],
    '900 MiB',
  ],
  ['and where all do, nothing is said', 'h200-x2', [segmentsOf(2, 3900, 2900, 800)], null],
  ['nothing of devices that report no memory', 'h200-x1', [segmentsOf(1, 0, 2900, 800)], null],
  ['nothing of claims that do not say their reserve', 'h200-x1', [segmentsOf(1, 3000, 2900)], null],
] as const) {
  test(`reserve: ${what}`, () => {
    const expected = reserve === null ? {} : { 'host.deviceReserve': [reserve, 'measured'] };
    assert.equal(measuredOf({ cases: [], segments }, machine), expected);
  });
}

test('nine programs on an H200 agree on the reserve within 0.3 %', () => {
  const file = join(packageRoot, 'experiments', 'h200-calibration', 'h200-calibration.yaml');
  const calibration = readCalibration(file);
  const reserve = (segments: Calibration['segments']) => {
    const entries = measuredMemory({ ...calibration, segments }, loadSystem('h200-x1'), 'x');
    return Number.parseFloat(String(entries.get('host.deviceReserve')!.is));
  };
  const all = reserve(calibration.segments);
  // 1,047.9 MB; the machine files say 1.06 GB, read off other programs.
  assert.ok(Math.abs(all * MiB - 1.0479e9) < 1e5, `${all}`);
  const alone = calibration.segments.map((program) => reserve([program]));
  assert.is(alone.length, 9);
  for (const own of alone) assert.ok(Math.abs(own / all - 1) < 0.003, `${own} of ${all}`);
});

test.run();

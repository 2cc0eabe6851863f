import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MeasuredRun } from '../../../codegen/measure/readMeasurement.ts';
import type { Calibration } from '../../../experiments/calibration/calibrationFile.ts';
import { measuredMemory } from '../../../experiments/calibration/deviceMemory.ts';
import { loadSystem } from '../../../model/system/load.ts';

const test = suite("device memory of NCCL's transports");
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

const of = (...cases: MeasuredRun[]) =>
  Object.fromEntries(
    [...measuredMemory({ cases } as unknown as Calibration, loadSystem('h200-x2'), 'pair.jsonl')].map(
      ([key, { is, from }]) => [key, [is, from]],
    ),
  );

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

test.run();

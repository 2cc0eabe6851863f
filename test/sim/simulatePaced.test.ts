import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { segmentTimeS, slowdownOf } from '../../model/physics/compute.ts';
import { cappedClock, segmentEnergyJ } from '../../model/physics/power.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { ComputeSegment } from '../../model/workload/workload.ts';
import { readCalibration } from '../../studies/calibration/calibrationFile.ts';
import { segmentWorkload } from '../../studies/calibration/segmentPrograms.ts';
import { simulatePaced } from '../support/simulatePaced.ts';

const system = loadSystem('h200-x1-fitted');
const { gpu } = system;

const pauses = suite('pauses between copies, beside a segment that runs over and over on one H200');

const file = join(packageRoot, 'experiments', 'h200-calibration', 'h200-calibration.yaml');
for (const { run, computes } of readCalibration(file).segments) {
  const { blocks } = segmentWorkload(computes);
  for (const { name, position, chunkBytes, chunks, paceS, periodS, outlasted } of run.paced) {
    pauses(`${run.run.program}, ${position} ${name}, ${paceS * 1e6} us: within 15 % of ${periodS} s`, () => {
      assert.ok(outlasted);
      const segment = blocks[position % blocks.length]!.segments.find(
        (candidate): candidate is ComputeSegment => candidate.kind === 'compute' && candidate.name === name,
      )!;
      const runS = (clock: number) => segmentTimeS(segment, gpu) * slowdownOf(gpu, segment.class, clock);
      const clock = cappedClock(gpu.power!, segmentEnergyJ(segment, gpu.power!), runS);
      const predictedS = simulatePaced(system, segment, clock, { chunkBytes, chunks, paceS });
      assert.ok(Math.abs(predictedS / periodS - 1) < 0.15, `predicted ${predictedS}`);
    });
  }
}

pauses('beside attention they wait for its end, beside a matrix product they do not', () => {
  const work = { kind: 'compute', name: 'work', flops: 4e12, bytes: 0, kernels: 1 } as const;
  const copies = { chunkBytes: 4 * 2 ** 20, chunks: 200, paceS: 500e-6 };
  // 64 x 33 tiles fill 132 multiprocessors exactly, so that the last wave leaves no room either.
  const attention = { queryRows: 64 * 128, keyRows: 64 * 128, heads: 33 };
  const beside = (segment: ComputeSegment) => simulatePaced(system, segment, 1, copies);
  const asProduct = beside({ ...work, class: 'gemm' });
  assert.ok(Math.abs(asProduct - 587e-6) < 10e-6, `${asProduct}`);
  const segment: ComputeSegment = { ...work, class: 'attention', attention };
  const asAttention = beside(segment);
  assert.ok(Math.abs(asAttention / segmentTimeS(segment, gpu) - 1) < 0.02, `${asAttention}`);
});

pauses.run();

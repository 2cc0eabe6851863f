import type { StepRun } from '../../../studies/dataset/stepRecords.ts';

/** A line of a dataset, with some fields replaced. */
export function stepRun(fields: Partial<StepRun> = {}): StepRun {
  return {
    ...{ schema: 'chunkflow/steps@1', experiment: 'tiny', split: 'fit' },
    cell: {
      ...{ id: 'tiny-64x64-sp2', model: 'tiny', size: '64x64', blocks: 2, sp: 2, tp: 1, machine: 'h200-x1' },
    },
    ...{ plan: 'yield', mode: 'eager', place: 'mirrored', transport: 'staged-copy', fingerprint: 'f00d' },
    ...{ stepProgram: '0123456789abcdef', stepS: 0.01, madS: 1e-5, visitS: [0.0099, 0.0101], steps: 6 },
    ...{ smHz: 1.98e9, powerW: null, sameOutput: true },
    memory: { claimedBytes: 3e9, deviceBytes: 2 ** 33, pinnedBytes: 10, claimedPinnedBytes: 11 },
    segments: [{ name: 'qkv', category: 'compute', count: 2, seconds: 0.004 }],
    device: { name: 'NVIDIA H200', driver: '580.95', cuda: '13.0' },
    ...{ libraries: 'none', runtime: 'beef', startedAt: '2026-11-23T21:00:00Z' },
    ...fields,
  };
}

import { windowTimesS } from '../../model/physics/compute.ts';
import type { Profile } from '../../model/profile/profileFormat.ts';
import type { System } from '../../model/system/system.ts';
import type { BlockKind, CollectiveSegment, Workload } from '../../model/workload/workload.ts';

export const FINGERPRINT = `sha256:${'5eed'.repeat(16)}`;

/** A profile as measuring a workload would give it on a machine where every window takes what is predicted. */
export function profileOf(workload: Workload, system: System): Profile {
  const kinds = [...new Set(workload.blocks)];
  const blocks: Profile['blocks'] = [];
  for (const [index, block] of workload.blocks.entries()) {
    const kind = kinds.indexOf(block);
    const last = blocks.at(-1);
    if (last?.kind === kind) last.count += 1;
    else blocks.push({ container: 'blocks', first: index, count: 1, kind });
  }
  return {
    schema: 'chunkflow/profile@1',
    model: { id: 'mymodel', name: 'MyModel' },
    fingerprint: FINGERPRINT,
    made: {
      ...{ at: '2026-11-28T15:00:00Z', backend: 'cuda', device: system.gpu.name, driver: null, cuda: null },
      ...{ torch: null, nccl: null, by: 'synthetic', smHz: 1.7e9 },
    },
    step: {
      ...{ ranks: workload.ranks, passes: workload.passes, stepsMeasured: 5 },
      inputs: [{ name: 'hidden_states', shape: [1, 4096, 1536], dtype: 'bfloat16' }],
    },
    kinds: kinds.map((kind) => kindOf(kind, system)),
    blocks,
    outside: { bytes: 100_000_000, seconds: 0 },
    activationBytes: 1_200_000_000,
  };
}

function kindOf(kind: BlockKind, system: System): Profile['kinds'][number] {
  const collectives = kind.segments.filter(
    (segment): segment is CollectiveSegment => segment.kind === 'collective',
  );
  return {
    ...{ name: kind.name, weightBytes: kind.weightBytes },
    tensors: [
      {
        ...{ name: 'all.weight', offset: 0, bytes: kind.weightBytes, dtype: 'uint8' },
        shape: [kind.weightBytes],
      },
    ],
    windows: windowTimesS(kind, system.gpu).map((seconds) => ({ seconds, spread: 0 })),
    collectives: collectives.map(({ collective, sentBytes, bufferBytes }) => ({
      ...{ kind: collective, sentBytes, bufferBytes, seconds: 1e-3 },
    })),
  };
}

import type { Plan } from '../../../model/plan/plan.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { workloadOfProfiled } from '../../../model/profile/profileWorkload.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { ProfiledWorkload } from '../../../model/workload/workload.ts';

const MiB = 2 ** 20;
const EXCHANGE = { kind: 'all-to-all', sentBytes: 1_000_000, bufferBytes: 4_000_000 } as const;
const GATHER = { kind: 'all-gather', sentBytes: 600_000, bufferBytes: 1_800_000 } as const;

/** A model as profiles describe them: four blocks of one kind with two all-to-alls, three of another with an all-gather. */
export function toyModel(ranks = 2): ProfiledWorkload {
  const collectives = <T>(own: T[]) => (ranks === 1 ? [] : own);
  return workloadOfProfiled({
    schema: 'chunkflow/plan@2',
    name: 'toy',
    model: 'toy',
    profiled: {
      fingerprint: `sha256:${'0'.repeat(64)}`,
      ranks,
      kinds: [
        { name: 'Double', weightBytes: 5 * MiB + 768, collectives: collectives([EXCHANGE, EXCHANGE]) },
        { name: 'Single', weightBytes: 3 * MiB + 256, collectives: collectives([GATHER]) },
      ],
      blocks: [
        { kind: 0, times: 4 },
        { kind: 1, times: 3 },
      ],
    },
    ...{ chunkBytes: null, slots: 0, yieldRule: 'none', paceS: 0, drainAtPassStart: false },
    ...{ sequential: false, transport: 'none', pieceBytes: 0, stagedInCopyStream: false, blocks: [] },
  });
}

export function toyPlan(text: string, ranks = 2): Plan {
  const system = loadSystem('h200-x2-fitted');
  return makePlan(text, toyModel(ranks), system, ranks === 1 ? undefined : 'shm');
}

/** Plans of every rule that a model can be driven by. */
export const PLANS = [
  'none',
  'layerwise',
  'layerwise,slots=4',
  'layerwise-drain,resident-layers=2',
  'chunked,chunk=1MiB,prefetch=2',
  'yield,chunk=1MiB',
  'yield,chunk=1MiB,resident=0.5',
];

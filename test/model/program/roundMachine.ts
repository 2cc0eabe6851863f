import { loadDit } from '../../../model/dit/load.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import { FROM_FILE } from '../../../model/plan/recipe.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { System, TreeNode } from '../../../model/system/system.ts';
import type { FlowTransport, StagedCopyTransport } from '../../../model/system/transport.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import type {
  BlockKind,
  CollectiveSegment,
  ComputeSegment,
  Workload,
} from '../../../model/workload/workload.ts';
import { NCCL_FLOW } from '../../support/flows.ts';
import { hostMemory } from '../../support/hostMemory.ts';

/**
 * A machine of round numbers, so that programs and times can be written down by hand: compute at 1 FLOP/s, copies at
 * 8 bytes/s (4 from pageable memory), collectives at 4 bytes/s or half of that beside copies, nothing else costs anything.
 */
const base = loadSystem('h200-x1');
const dit = loadDit('dit-xl-2');

const node = (id: string, parent: string | null, bytesPerS: number): TreeNode => ({
  ...{ id, parent, downBytesPerS: bytesPerS, upBytesPerS: bytesPerS },
  ...{ duplexBytesPerS: Number.POSITIVE_INFINITY, memory: null },
});
const rate = { bytesPerS: 4, besideH2d: { collective: 0.5, h2d: 0.5, gapS: null } };

export const flow: FlowTransport = {
  ...{ kind: 'flow', name: 'flow', path: 'host', latencyS: 0, fill: null, ...NCCL_FLOW },
  collectives: { 'all-to-all': rate, 'all-gather': rate, 'all-reduce': rate },
};

export const stagedCopy: StagedCopyTransport = {
  ...{
    kind: 'staged-copy',
    carrier: { by: 'copy-engines' },
    name: 'staged-copy',
    latencyS: 0,
    flagS: 0,
    pieceBytes: 8,
    cacheBytes: 0,
  },
};

/** @param gpus of the machine; two have real peers, one has a mirrored one. */
export function roundMachine(gpus: 1 | 2 = 1): System {
  const names = ['gpu0', 'gpu1'].slice(0, gpus);
  return {
    ...base,
    peer: gpus === 1 ? 'mirrored' : 'real',
    gpus: names,
    gpu: {
      ...base.gpu,
      memoryBytes: 1e6,
      peakFlops: 1,
      hbmBytesPerS: 1,
      efficiency: { gemm: 1, attention: 1, elementwise: 1 },
      kernelOverheadS: { gemm: 0, attention: 0, elementwise: 0 },
      launchFloorS: 0,
      attentionTiles: null,
      copyEngine: { h2dBytesPerS: 8, d2hBytesPerS: 8, startUpS: 0, gapS: 0, turnS: 1, paceOverheadS: 0 },
      power: null,
    },
    tree: [
      { ...node('memory', null, 1), memory: hostMemory(1e6) },
      ...names.map((name) => node(name, 'memory', 8)),
    ],
    transports: [flow, stagedCopy],
    defaultTransport: 'flow',
    host: { ...base.host, pageableBytesPerS: 4, launchLeadS: 2, launchWindowS: 0.25 },
  };
}

export const compute = (name: string, seconds: number): ComputeSegment => ({
  ...{ kind: 'compute', name, class: 'gemm', flops: seconds, bytes: 0, kernels: 1 },
});

export const exchange: CollectiveSegment = {
  ...{ kind: 'collective', name: 'exchange', collective: 'all-to-all', sentBytes: 8, bufferBytes: 0 },
};

/** Half a second, an exchange, half a second. */
export const SPLIT: BlockKind['segments'] = [compute('first', 0.5), exchange, compute('second', 0.5)];

export function workloadOf(
  blocks: number,
  segments: BlockKind['segments'] = SPLIT,
  { weightBytes = 24, passes = 1, ranks = 2 } = {},
): Workload {
  const block: BlockKind = { name: 'block', weightBytes, segments };
  return {
    ...bindWorkload(dit, { size: dit.referenceSize }),
    ...{ passes, ranks, blocks: Array.from({ length: blocks }, () => block) },
  };
}

/** A plan that streams each block one block ahead, whole, into two slots. */
export function planOf(workload: Workload, fields: Partial<Plan> = {}): Plan {
  return {
    ...{ name: 'own', recipe: FROM_FILE, chunkBytes: 8, slots: 2, yieldRule: 'none', paceS: 0 },
    ...{ drainAtPassStart: false, sequential: false, transport: 'flow', pieceBytes: 8 },
    stagedInCopyStream: false,
    blocks: workload.blocks.map(({ weightBytes }, index) => ({
      ...{ residentBytes: 0, issueAt: index - 1, windowBytes: [weightBytes] },
    })),
    ...fields,
  };
}

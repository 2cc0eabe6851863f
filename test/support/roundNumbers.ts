import { loadDit } from '../../model/dit/load.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { FROM_FILE } from '../../model/plan/recipe.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { CopyEngine, System } from '../../model/system/system.ts';
import type { FlowTransport, StagedCopyTransport } from '../../model/system/transport.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import type { BoundWorkload, Segment } from '../../model/workload/workload.ts';
import { NCCL_FLOW } from './flows.ts';
import { hostMemory } from './hostMemory.ts';

/** A megabyte takes a millisecond everywhere here: on the link, in a collective, in device memory. */
export const MB = 1e6;
const BYTES_PER_S = 1e9;
export const ms = (milliseconds: number) => milliseconds * 1e-3;

/** Milliseconds of compute. */
export const compute = (milliseconds: number): Segment => ({
  ...{ kind: 'compute', name: 'work', class: 'elementwise', flops: 0, kernels: 1 },
  bytes: milliseconds * MB,
});
/** Megabytes that an all-to-all sends. */
export const send = (megabytes: number): Segment => ({
  ...{ kind: 'collective', name: 'exchange', collective: 'all-to-all' },
  ...{ sentBytes: megabytes * MB, bufferBytes: 0 },
});

/** Blocks of the same segments. */
export function workloadOf(
  segments: readonly Segment[],
  options: Partial<BoundWorkload> & { count?: number } = {},
): BoundWorkload {
  const dit = loadDit('dit-xl-2');
  const base = bindWorkload(dit, { size: dit.referenceSize, cfg: 'none' });
  const { count = 2, ...rest } = options;
  const block = { ...base.blocks[0]!, segments, weightBytes: 1e12 };
  return { ...base, ranks: 1, passes: 1, blocks: Array.from({ length: count }, () => block), ...rest };
}

export interface MachineNumbers {
  engine?: Partial<CopyEngine>;
  flow?: Partial<FlowTransport>;
  beside?: Partial<FlowTransport['collectives']['all-to-all']['besideH2d']>;
  staged?: Partial<StagedCopyTransport>;
  gpu?: Partial<System['gpu']>;
  host?: Partial<System['host']>;
  peer?: System['peer'];
}

/** One GPU of round numbers with a mirrored peer: no start-up, gap, latency or launch costs anything unless it is given. */
export function machineOf(numbers: MachineNumbers = {}): System {
  const base = loadSystem('h200-x1');
  const node = {
    downBytesPerS: BYTES_PER_S,
    upBytesPerS: BYTES_PER_S,
    duplexBytesPerS: Number.POSITIVE_INFINITY,
  };
  const rate = {
    bytesPerS: BYTES_PER_S,
    besideH2d: { collective: 0.5, h2d: 0.5, gapS: null, ...numbers.beside },
  };
  return {
    ...base,
    ...{ id: 'round', peer: numbers.peer ?? 'mirrored', gpus: ['gpu0'] },
    gpu: {
      ...base.gpu,
      ...{ hbmBytesPerS: BYTES_PER_S, peakFlops: 1e12, launchFloorS: 0, power: null, attentionTiles: null },
      efficiency: { gemm: 1, attention: 1, elementwise: 1 },
      kernelOverheadS: { gemm: 0, attention: 0, elementwise: 0 },
      copyEngine: {
        ...{ h2dBytesPerS: BYTES_PER_S, d2hBytesPerS: BYTES_PER_S, startUpS: 0, gapS: 0 },
        ...{ turnS: ms(0.8), paceOverheadS: 0 },
        ...numbers.engine,
      },
      ...numbers.gpu,
    },
    tree: [
      { id: 'memory', parent: null, ...node, memory: hostMemory(1e15) },
      { id: 'gpu0', parent: 'memory', ...node, memory: null },
    ],
    transports: [
      {
        ...{ kind: 'flow', name: 'flow', path: 'host', latencyS: 0, fill: null, ...NCCL_FLOW },
        collectives: { 'all-to-all': rate, 'all-gather': rate, 'all-reduce': rate },
        ...numbers.flow,
      },
      {
        kind: 'staged-copy',
        carrier: { by: 'copy-engines' },
        name: 'staged-copy',
        latencyS: 0,
        flagS: 0,
        pieceBytes: MB,
        cacheBytes: 0,
        ...numbers.staged,
      },
    ],
    defaultTransport: 'flow',
    host: {
      ...base.host,
      pageableBytesPerS: BYTES_PER_S / 2,
      launchLeadS: 0,
      launchWindowS: 0,
      ...numbers.host,
    },
  };
}

/** Every block streams so many megabytes in each window, one block ahead, in chunks of one megabyte. */
export function planOf(windowsMB: readonly number[], changes: Partial<Plan> & { count?: number } = {}): Plan {
  const { count = 2, ...rest } = changes;
  return {
    ...{ name: 'round', recipe: FROM_FILE, chunkBytes: MB, slots: 2, yieldRule: 'none', paceS: 0 },
    ...{
      drainAtPassStart: false,
      sequential: false,
      transport: 'flow',
      pieceBytes: MB,
      stagedInCopyStream: false,
    },
    blocks: Array.from({ length: count }, (_, index) => ({
      ...{ residentBytes: 0, issueAt: index - 1 },
      windowBytes: windowsMB.map((megabytes) => megabytes * MB),
    })),
    ...rest,
  };
}

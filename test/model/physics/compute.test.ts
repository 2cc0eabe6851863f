import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noRoomS, segmentTimeS, windowTimesS } from '../../../model/physics/compute.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { Gpu } from '../../../model/system/system.ts';
import type {
  AttentionShape,
  BlockKind,
  CollectiveSegment,
  ComputeSegment,
} from '../../../model/workload/workload.ts';

/** Round numbers: matrix products at 50 FLOP/s, attention at 25, device memory at 8 bytes/s. */
const gpu: Gpu = {
  ...loadSystem('h200-x1').gpu,
  peakFlops: 100,
  hbmBytesPerS: 10,
  efficiency: { gemm: 0.5, attention: 0.25, elementwise: 0.8 },
  launchFloorS: 0,
  kernelOverheadS: { gemm: 0, attention: 0, elementwise: 0 },
  traffic: { norm: 1.5, qkNorm: 1, residual: 1, activation: 1, relayout: 1 },
  attentionTiles: null,
  power: null,
};
/** Two multiprocessors work off tiles of 4 rows of Q. */
const tiled: Gpu = { ...gpu, attentionTiles: { multiprocessors: 2, rows: 4, ragged: 0.5, overheadS: 0 } };

const segment = (fields: Partial<ComputeSegment>): ComputeSegment => ({
  ...{ kind: 'compute', name: 'work', class: 'gemm', flops: 0, bytes: 0, kernels: 1 },
  ...fields,
});
/** Attention of 200 FLOPs: 8 s at 25 FLOP/s. */
const attention = (shape: Partial<AttentionShape>): ComputeSegment =>
  segment({
    ...{ class: 'attention', flops: 200 },
    attention: { queryRows: 8, keyRows: 8, heads: 1, ...shape },
  });

const test = suite('seconds of a compute segment');

const CASES: { equation: string; on?: Gpu; of: ComputeSegment; seconds: number }[] = [
  { equation: 'FLOPs / (efficiency x peak)', of: segment({ flops: 100 }), seconds: 2 },
  {
    equation: 'bytes / (efficiency x memory rate), where that is longer, also of matrix products',
    of: segment({ flops: 100, bytes: 40 }),
    seconds: 5,
  },
  { equation: 'the longer of the two, not both', of: segment({ flops: 500, bytes: 40 }), seconds: 10 },
  {
    equation: 'elementwise work has no arithmetic',
    of: segment({ class: 'elementwise', flops: 1e6, bytes: 40 }),
    seconds: 5,
  },
  {
    equation: "a kernel's traffic x its bytes",
    of: segment({ class: 'elementwise', bytes: 40, kernel: 'norm' }),
    seconds: 7.5,
  },
  {
    equation: 'kernels x overhead on top',
    on: { ...gpu, kernelOverheadS: { gemm: 0.25, attention: 9, elementwise: 9 } },
    of: segment({ flops: 100, kernels: 3 }),
    seconds: 2.75,
  },
  {
    equation: 'kernels x launch floor at least',
    on: { ...gpu, launchFloorS: 1 },
    of: segment({ flops: 100, kernels: 3 }),
    seconds: 3,
  },
  {
    equation: 'attention without tiles: FLOPs / (efficiency x peak)',
    of: attention({ queryRows: 9 }),
    seconds: 8,
  },
  {
    // 2 tiles in 1 wave of 2 places x 4 rows: all 8 are filled.
    equation: 'full tiles in full waves: the same',
    on: tiled,
    of: attention({}),
    seconds: 8,
  },
  {
    // 3 tiles in 2 waves of 8 places: 12 rows take as long as 16.
    equation: 'a wave that is not full lasts as long as a full one: x places / rows',
    on: tiled,
    of: attention({ queryRows: 12 }),
    seconds: (8 * 16) / 12,
  },
  {
    // 10 rows: 3 tiles, 2 waves, 16 places; at half of the speed.
    equation: 'rows of Q that are no multiple of a tile: x places / rows / ragged speed',
    on: tiled,
    of: attention({ queryRows: 10 }),
    seconds: (8 * 16) / 10 / 0.5,
  },
  {
    equation: 'rows of K that are no multiple of a tile: / ragged speed',
    on: tiled,
    of: attention({ keyRows: 10 }),
    seconds: 16,
  },
  {
    // 2 tiles x 3 heads in 3 waves.
    equation: 'each wave has its overhead',
    on: { ...tiled, attentionTiles: { ...tiled.attentionTiles!, overheadS: 0.5 } },
    of: attention({ heads: 3 }),
    seconds: 8 + 3 * 0.5,
  },
];
for (const { equation, on = gpu, of, seconds } of CASES) {
  test(equation, () =>
    assert.ok(Math.abs(segmentTimeS(of, on) - seconds) < 1e-12, `${segmentTimeS(of, on)}`),
  );
}

test.run();

const room = suite('seconds until a kernel of another stream finds room');

for (const [what, on, of, seconds] of [
  ['none where nothing is known of tiles', gpu, attention({}), 0],
  ['none beside what is no attention', tiled, segment({ flops: 100 }), 0],
  ['until the end where the last wave is full', tiled, attention({ queryRows: 16 }), 8],
  // 3 tiles in 2 waves: one of them is full.
  ['until the last wave where that is not full', tiled, attention({ queryRows: 12 }), (8 * 16) / 12 / 2],
  ['not at all beside a single wave that is not full', tiled, attention({ queryRows: 4 }), 0],
] as const) {
  room(what, () => assert.ok(Math.abs(noRoomS(of, on) - seconds) < 1e-12, `${noRoomS(of, on)}`));
}

room.run();

const windows = suite('hiding windows of a block');

const exchange: CollectiveSegment = {
  ...{ kind: 'collective', name: 'exchange', collective: 'all-to-all', sentBytes: 1, bufferBytes: 0 },
};
const work = (seconds: number) => segment({ flops: 50 * seconds });
const block = (segments: BlockKind['segments']): BlockKind => ({ name: 'b', weightBytes: 1, segments });

windows('compute before, between and behind collectives; a window may be empty', () => {
  const of = block([work(1), work(2), exchange, work(4), exchange, exchange, work(8)]);
  assert.equal(windowTimesS(of, gpu), [3, 4, 0, 8]);
  assert.equal(windowTimesS(block([exchange]), gpu), [0, 0]);
});

windows('at a lower clock compute takes 1 / (clock / useful clock)', () => {
  const power = {
    ...loadSystem('h200-x1').gpu.power!,
    usefulClock: { gemm: 0.8, attention: 1, elementwise: 1 },
  };
  assert.equal(windowTimesS(block([work(1), exchange, work(2)]), { ...gpu, power }, 0.4), [2, 4]);
});

windows.run();

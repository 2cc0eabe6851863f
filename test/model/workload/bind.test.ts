import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Dit } from '../../../model/dit/dit.ts';
import { catalogueIds, loadDit } from '../../../model/dit/load.ts';
import { parseSize, rowsOf } from '../../../model/dit/tokens.ts';
import { UserError } from '../../../model/input/userError.ts';
import { bindWorkload, type WorkloadOptions } from '../../../model/workload/bind.ts';
import type {
  BlockKind,
  BoundWorkload,
  CollectiveSegment,
  ComputeSegment,
} from '../../../model/workload/workload.ts';

const models = new Map(catalogueIds().map((id) => [id, loadDit(id)]));
const bind = (id: string, options: Partial<WorkloadOptions> = {}): BoundWorkload => {
  const dit = models.get(id)!;
  return bindWorkload(dit, { size: dit.referenceSize, cfg: 'none', ...options });
};

const sum = <T>(items: readonly T[], value: (item: T) => number) =>
  items.reduce((total, item) => total + value(item), 0);
const collectivesOf = (block: BlockKind) =>
  block.segments.filter((segment): segment is CollectiveSegment => segment.kind === 'collective');
const computeOf = (block: BlockKind) =>
  block.segments.filter((segment): segment is ComputeSegment => segment.kind === 'compute');
const sentBytes = (block: BlockKind) => sum(collectivesOf(block), (segment) => segment.sentBytes);
const flops = (block: BlockKind, kind: ComputeSegment['class'] = 'gemm') =>
  sum(computeOf(block), (segment) => (segment.class === kind ? segment.flops : 0));
const near = (value: number, expected: number, what = '') =>
  assert.ok(
    Math.abs(value - expected) <= 1e-9 * Math.abs(expected),
    `${what}: expected ${expected}, got ${value}`,
  );

const exchange = suite('Ulysses volumes');

/**
 * Exchanged rows S, width D, and megabytes that a GPU sends per block at P = 2, 4 and 8 by
 * 4 S D e (P-1) / P^2 with e = 2, as published for the reference sizes (batch 1).
 * Example: Wan2.1-T2V-14B has S = 75,600, D = 5120; 8 x 75600 x 5120 / 4 = 774.1 MB at P = 2.
 */
const VOLUMES: [id: string, rows: number, width: number, two: number, four: number, eight: number][] = [
  ['wan2.1-t2v-1.3b', 32_760, 1536, 100.6, 75.5, 44.0],
  ['wan2.1-t2v-14b', 75_600, 5120, 774.1, 580.6, 338.7],
  ['wan2.2-t2v-a14b', 75_600, 5120, 774.1, 580.6, 338.7],
  ['wan2.2-ti2v-5b', 27_280, 3072, 167.6, 125.7, 73.3],
  ['hunyuanvideo-13b', 119_056, 3072, 731.5, 548.6, 320.0],
  ['hunyuanvideo-1.5', 113_585, 2048, 465.2, 348.9, 203.5],
  ['flux.1-dev', 4608, 3072, 28.3, 21.2, 12.4],
  ['flux.2-dev', 4608, 6144, 56.6, 42.5, 24.8],
  ['flux.2-klein-4b', 4608, 3072, 28.3, 21.2, 12.4],
  ['flux.2-klein-9b', 4608, 4096, 37.7, 28.3, 16.5],
  ['qwen-image-20b', 4608, 3072, 28.3, 21.2, 12.4],
  ['z-image-6b', 4608, 3840, 35.4, 26.5, 15.5],
  ['sd3.5-large', 4429, 2432, 21.5, 16.2, 9.4],
  ['cogvideox-5b', 17_776, 3072, 109.2, 81.9, 47.8],
  ['ltx-video-13b', 13_376, 4096, 109.6, 82.2, 47.9],
  ['ltx-2-19b', 24_576, 4096, 201.3, 151.0, 88.1],
  ['mochi-1-10b', 44_776, 3072, 275.1, 206.3, 120.4],
  ['dit-xl-2', 256, 1152, 0.6, 0.4, 0.3],
  ['pixart-xl-2', 4096, 1152, 9.4, 7.1, 4.1],
  ['step-video-t2v-30b', 75_888, 6144, 932.5, 699.4, 408.0],
  ['open-sora-2-11b', 76_544, 3072, 470.3, 352.7, 205.8],
  ['cosmos-1.0-7b', 56_320, 4096, 461.4, 346.0, 201.9],
  ['cosmos-predict2-2b', 84_480, 2048, 346.0, 259.5, 151.4],
  ['cosmos-predict2-14b', 84_480, 5120, 865.1, 648.8, 378.5],
];

/** The block whose exchange was published: the most frequent kind that exchanges. */
const exchanging = (workload: BoundWorkload) =>
  workload.blocks.findLast((block) => collectivesOf(block).length > 0)!;

for (const [id, rows, width, ...published] of VOLUMES) {
  for (const [index, sp] of [2, 4, 8].entries()) {
    const volume = (4 * rows * width * 2 * (sp - 1)) / sp ** 2;
    if (models.get(id)!.heads % sp === 0) {
      exchange(`${id}, P = ${sp}: ${published[index]} MB, packed or not`, () => {
        assert.ok(Math.abs(volume / 1e6 - published[index]!) < 0.06, `${volume / 1e6} MB`);
        const packed = exchanging(bind(id, { sp }));
        near(sentBytes(packed), volume, 'packed');
        const separate = exchanging(bind(id, { sp, exchange: 'separate' }));
        near(sentBytes(separate), volume, 'separate');
        assert.equal(
          collectivesOf(packed).map(({ collective, sentBytes: sent }) => [
            collective,
            Math.round(sent / (volume / 4)),
          ]),
          [
            ['all-to-all', 3],
            ['all-to-all', 1],
          ],
        );
        assert.is(collectivesOf(separate).length, 4);
        for (const { sentBytes: sent } of collectivesOf(separate)) near(sent, volume / 4, 'one of four');
      });
    } else {
      exchange(`${id}, P = ${sp} does not divide its heads`, () =>
        assert.throws(
          () => bind(id, { sp }),
          (error: Error) =>
            error instanceof UserError &&
            error.message.startsWith(`--sp ${sp}: does not divide the ${models.get(id)!.heads} heads of `) &&
            error.message.endsWith(', or use --exchange kv-gather'),
        ),
      );
    }
    exchange(`${id}, P = ${sp}: gathering K and V`, () => {
      // Two all-gathers of 2 S D e (P-1) / P together: P/2 times what Ulysses sends, and any P will do.
      const gathered = exchanging(bind(id, { sp, exchange: 'kv-gather' }));
      assert.equal(
        collectivesOf(gathered).map(({ collective }) => collective),
        ['all-gather', 'all-gather'],
      );
      near(sentBytes(gathered), (2 * rows * width * 2 * (sp - 1)) / sp);
      near(sentBytes(gathered), (volume * sp) / 2);
    });
  }
}

exchange('one rank exchanges nothing', () => {
  for (const id of models.keys()) {
    const workload = bind(id);
    assert.is(sum(workload.blocks, sentBytes), 0, id);
    assert.is(workload.collectiveBufferBytes, 0, id);
  }
});

exchange('the largest collective buffer is that of Q, K and V: in and out, 3 b S D e / P each', () => {
  // Wan2.1-T2V-14B, P = 4, two samples at once: 2 x 3 x 2 x 75600 x 5120 x 2 / 4.
  assert.is(bind('wan2.1-t2v-14b', { sp: 4, batch: 2 }).collectiveBufferBytes, 2_322_432_000);
});

exchange('separate-cross adds the cross-attention, with P copies of the text', () => {
  // Wan2.1-T2V-14B at P = 4: Q and the output are 75,600 x 5120 x 2 / 4 bytes on a rank, three quarters leave; K and V of
  // 512 rows, held whole by each of 4 ranks: 4 x 512 x 5120 x 2 / 4 bytes, three quarters leave.
  const [block] = bind('wan2.1-t2v-14b', { sp: 4, exchange: 'separate-cross' }).blocks;
  const tokens = (75_600 * 5120 * 2 * 3) / 16;
  const text = (4 * 512 * 5120 * 2 * 3) / 16;
  assert.equal(
    collectivesOf(block!).map((segment) => Math.round(segment.sentBytes)),
    [tokens, tokens, tokens, tokens, tokens, text, text, tokens],
  );
  // A model without cross-attention has nothing to add.
  near(
    sentBytes(exchanging(bind('flux.1-dev', { sp: 4, exchange: 'separate-cross' }))),
    (8 * 4608 * 3072 * 3) / 16,
  );
});

exchange.run();

const layout = suite('parallel layouts');

/** Parameters of the block at an index that tensor parallelism does not divide, counted tensor by tensor. */
function wholeParameters(dit: Dit, index: number): number {
  let first = 0;
  const kind = dit.blocks.find(({ count }) => index < (first += count))!;
  let parameters = 0;
  for (const segment of kind.segments) {
    if (!('tensors' in segment)) continue;
    const conditions = segment.kind === 'gemm' && segment.products.every((product) => product.rows === 'c');
    const summed = segment.kind === 'gemm' && segment.reduces.length > 0;
    for (const tensor of segment.tensors) {
      const isMatrix = tensor.shape.length === 2;
      if (segment.kind !== 'gemm' || conditions || (summed && !isMatrix)) parameters += tensor.parameters;
    }
  }
  return parameters;
}

for (const id of models.keys()) {
  layout(`${id}: tensor parallelism divides weights and work, and adds all-reduces`, () => {
    const one = bind(id);
    const two = bind(id, { tp: 2 });
    const dit = models.get(id)!;
    const rows = rowsOf(dit, dit.referenceSize);
    assert.is(two.ranks, 2);
    one.blocks.forEach((block, index) => {
      const half = two.blocks[index]!;
      // Matrices are divided; norms, tables, biases behind a sum and modulation stay whole on every rank.
      const kept = wholeParameters(dit, index) * 2;
      assert.ok(Math.abs(half.weightBytes - (block.weightBytes + kept) / 2) <= 0.5);
      near(flops(half), flops(block) / 2, 'GEMM');
      near(flops(half, 'attention'), flops(block, 'attention') / 2, 'attention');
    });
    near(two.outsideBytes, one.outsideBytes / 2);
    // A ring sends 2 (t-1)/t of the [rows, width] of every row-parallel output: all of it, at t = 2.
    const kinds = [...new Set(two.blocks)];
    kinds.forEach((block, index) => {
      const outputs = dit.blocks[index]!.segments.flatMap((segment) =>
        segment.kind === 'gemm' ? segment.reduces : [],
      );
      assert.equal(
        collectivesOf(block).map(({ collective, sentBytes: sent }) => [collective, sent]),
        outputs.map(({ rows: of, width }) => ['all-reduce', rows[of] * width * 2]),
      );
    });
  });

  layout(
    `${id}: batched guidance doubles work, not weights; sequential doubles passes; parallel neither`,
    () => {
      const evaluations = Math.max(2, models.get(id)!.guidance.evaluations);
      const none = bind(id);
      const batched = bind(id, { cfg: 'batched' });
      const sequential = bind(id, { cfg: 'sequential' });
      const parallel = bind(id, { cfg: 'parallel' });
      none.blocks.forEach((block, index) => {
        near(flops(batched.blocks[index]!), evaluations * flops(block), 'GEMM');
        near(
          flops(batched.blocks[index]!, 'attention'),
          evaluations * flops(block, 'attention'),
          'attention',
        );
        assert.is(batched.blocks[index]!.weightBytes, block.weightBytes);
      });
      assert.equal([none.passes, batched.passes, sequential.passes, parallel.passes], [1, 1, evaluations, 1]);
      assert.equal(sequential.blocks, none.blocks);
      assert.equal(parallel.blocks, none.blocks);
      assert.is(batched.outsideBytes, none.outsideBytes);
    },
  );
}

layout('tensor parallelism of Wan2.1-T2V-14B: three all-reduces of [75,600, 5120]', () => {
  // Self-attention, cross-attention and MLP outputs. A ring of 4 sends 2 x 3/4 of 75600 x 5120 x 2 bytes.
  const [block] = bind('wan2.1-t2v-14b', { tp: 4 }).blocks;
  assert.equal(
    collectivesOf(block!).map(({ collective, sentBytes: sent, bufferBytes }) => [
      collective,
      sent,
      bufferBytes,
    ]),
    Array(3).fill(['all-reduce', 1_161_216_000, 774_144_000]),
  );
});

layout('sequence parallelism divides the work of rows that are sharded, not that of text held whole', () => {
  // Wan2.1-T2V-14B: K and V of the cross-attention are 512 text rows through two matrices of 5120 x 5120 on every rank.
  const text = 2 * 2 * 5120 * 5120 * 512;
  const [one] = bind('wan2.1-t2v-14b').blocks;
  for (const sp of [2, 4, 8]) {
    const [split] = bind('wan2.1-t2v-14b', { sp }).blocks;
    near(flops(split!) - text, (flops(one!) - text) / sp, `GEMM at ${sp}`);
    near(flops(split!, 'attention'), flops(one!, 'attention') / sp, `attention at ${sp}`);
    assert.is(split!.weightBytes, one!.weightBytes);
  }
  // FLUX.1's text meets the image in one attention and is sharded with it; only one conditioning row per sample is not.
  const conditioning = (block: BlockKind) =>
    sum(computeOf(block), (s) => (/modulation|condition/i.test(s.name) ? s.flops : 0));
  const [flux] = bind('flux.1-dev').blocks;
  const [half] = bind('flux.1-dev', { sp: 2 }).blocks;
  assert.is(conditioning(half!), conditioning(flux!));
  assert.ok(conditioning(flux!) > 0);
  near(flops(half!) - conditioning(half!), (flops(flux!) - conditioning(flux!)) / 2, 'FLUX');
});

layout('SP and TP multiply: heads, exchanged width and ranks', () => {
  const both = bind('wan2.1-t2v-14b', { sp: 2, tp: 2 });
  assert.is(both.ranks, 4);
  const all = collectivesOf(both.blocks[0]!).filter(({ collective }) => collective === 'all-to-all');
  // Half the width of the exchange at P = 2: 774.144 MB / 2.
  near(
    sum(all, ({ sentBytes: sent }) => sent),
    387_072_000,
  );
  near(flops(both.blocks[0]!, 'attention'), flops(bind('wan2.1-t2v-14b').blocks[0]!, 'attention') / 4);
});

layout('batch multiplies work and exchanged bytes, not weights or passes', () => {
  const one = bind('wan2.2-ti2v-5b', { sp: 2 });
  const three = bind('wan2.2-ti2v-5b', { sp: 2, batch: 3 });
  near(flops(three.blocks[0]!), 3 * flops(one.blocks[0]!));
  near(sentBytes(three.blocks[0]!), 3 * sentBytes(one.blocks[0]!));
  assert.is(three.blocks[0]!.weightBytes, one.blocks[0]!.weightBytes);
  assert.is(three.tokens, one.tokens);
});

layout("guidance that is not given is the model's own", () => {
  const own = (id: string) => {
    const { layout: chosen, passes } = bindWorkload(models.get(id)!, { size: models.get(id)!.referenceSize });
    return [chosen.cfg, passes];
  };
  assert.equal(own('wan2.1-t2v-14b'), ['sequential', 2]);
  assert.equal(own('cogvideox-5b'), ['batched', 1]);
  assert.equal(own('open-sora-2-11b'), ['batched', 1]);
  assert.equal(own('flux.1-dev'), ['none', 1]);
});

layout('text rows may be given', () => {
  const short = bind('flux.1-dev', { textRows: 128 });
  assert.is(short.textRows, 128);
  assert.is(short.tokens, 4096);
  assert.is(exchanging(bind('flux.1-dev', { textRows: 128, sp: 2 })).segments.length > 0, true);
  // 8 x (4096 + 128) x 3072 / 4 bytes.
  near(sentBytes(exchanging(bind('flux.1-dev', { textRows: 128, sp: 2 }))), 25_952_256);
});

layout('every expert is stored, one runs', () => {
  const one = bind('wan2.1-t2v-14b');
  const two = bind('wan2.2-t2v-a14b');
  assert.equal([one.experts, two.experts], [1, 2]);
  assert.is(two.blocks.length, 40);
  near(two.outsideBytes, 2 * one.outsideBytes);
});

const REFUSED: [id: string, options: Partial<WorkloadOptions>, message: RegExp][] = [
  [
    'wan2.1-t2v-14b',
    { sp: 3 },
    /^--sp 3: does not divide the 40 heads of .*; SP x TP must be one of 1, 2, 4, 5, 8, 10, 20, 40, or use --exchange kv-gather$/,
  ],
  [
    'wan2.1-t2v-14b',
    { sp: 3, tp: 4 },
    /^--sp 3 --tp 4: .*must be one of 4, 8, 20, 40, or use --exchange kv-gather$/,
  ],
  // No exchange style helps where the heads themselves are split.
  ['wan2.1-t2v-14b', { tp: 3 }, /^--sp 1 --tp 3: .*must be one of 1, 2, 4, 5, 8, 10, 20, 40$/],
  ['wan2.1-t2v-14b', { tp: 3, exchange: 'kv-gather' }, /--tp 3/],
  ['sd3.5-large', { sp: 4 }, /the 38 heads of .*1, 2, 19, 38/],
  ['wan2.1-t2v-14b', { sp: 0 }, /^--sp: expected a whole number of at least 1, got 0$/],
  ['wan2.1-t2v-14b', { sp: 1.5 }, /^--sp: expected a whole number/],
  ['wan2.1-t2v-14b', { tp: -2 }, /^--tp: expected a whole number/],
  ['wan2.1-t2v-14b', { batch: 0 }, /^--batch: expected .*at least 1, got 0$/],
  ['wan2.1-t2v-14b', { batch: 0.5 }, /^--batch: expected .*at least 1, got 0\.5$/],
  ['wan2.1-t2v-14b', { batch: Number.NaN }, /^--batch: expected .*at least 1, got NaN$/],
  ['wan2.1-t2v-14b', { size: parseSize('1280x720x80') }, /^frames 80: .*use 77 or 81$/],
];
for (const [id, options, message] of REFUSED) {
  layout(`${id} with ${JSON.stringify(options)} is refused`, () =>
    assert.throws(() => bind(id, options), message),
  );
}

layout('kv-gather takes what does not divide the heads', () => {
  assert.is(bind('wan2.1-t2v-14b', { sp: 3, exchange: 'kv-gather' }).ranks, 3);
});

layout.run();

import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueIds, loadCatalogue } from '../../../model/dit/catalogue.ts';
import { bytesOf, tensorsOfBlock } from '../../../model/dit/derive.ts';
import type { Dit } from '../../../model/dit/dit.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { inFolder, type Sketch, sketchOf, writeSafetensors, writeShards } from './checkpointFiles.ts';

/** Bytes of a model's parts are averages over what is stored, so their sum is exact but for rounding. */
const near = (value: number, expected: number) =>
  assert.ok(Math.abs(value - expected) < 1e-9 * expected, `${value}, expected ${expected}`);

function load(tensors: readonly Sketch[], check: (dit: Dit) => void): void {
  inFolder((folder) => {
    const file = join(folder, 'mine.safetensors');
    writeSafetensors(file, tensors);
    const dit = loadDit(file);
    assert.is(dit.file, file);
    assert.is(dit.id, 'mine');
    check(dit);
  });
}

const known = suite('checkpoints of catalogue models');

/** Models whose tensors are all alike: the one that comes first is named, and the others beside it. */
const TWINS: Record<string, string> = {
  'wan2.2-t2v-a14b': 'wan2.1-t2v-14b',
  'flux.1-kontext-dev': 'flux.1-dev',
  'qwen-image-edit-20b': 'qwen-image-20b',
  'hunyuanvideo-i2v-13b': 'hunyuanvideo-13b',
};

// Two layers of each kind are enough to be recognised, and keep the headers short.
for (const id of catalogueIds()) {
  known(`${id} is recognised with fewer layers`, () => {
    const source = loadCatalogue(id);
    const few = (count: number) => Math.min(count, 2);
    load(sketchOf(source, few), (dit) => {
      const same = loadCatalogue(TWINS[id] ?? id).dit;
      assert.match(dit.assumptions[0]!, `Every block has the tensors of ${same.name}`);
      assert.equal(
        dit.blocks.map(({ name, container, count, parameters }) => [name, container, count, parameters]),
        source.dit.blocks.map((block) => [block.name, block.container, few(block.count), block.parameters]),
      );
      assert.is(dit.outsideParameters, source.dit.outsideParameters);
      assert.is(dit.outsideBytes, 2 * source.dit.outsideParameters);
      assert.is(dit.experts, 1);
      assert.equal(dit.vae, source.dit.vae);
    });
  });
}

known('all layers and all tensors: nothing is left to say but which model it is', () => {
  load(sketchOf(loadCatalogue('dit-xl-2')), (dit) => {
    assert.is(dit.assumptions.length, 1);
    assert.equal(
      { ...loadDit('dit-xl-2'), file: '', id: '', name: '', assumptions: [] },
      { ...dit, file: '', id: '', name: '', assumptions: [] },
    );
  });
});

known('models with equal tensors are named together', () => {
  load(sketchOf(loadCatalogue('wan2.2-t2v-a14b')), (dit) => {
    assert.ok(
      dit.assumptions.includes('Wan2.2-T2V-A14B (2 experts) fits as well; --entry wan2.2-t2v-a14b takes it.'),
    );
  });
});

known('a prefix on every tensor does no harm', () => {
  const sketch = sketchOf(loadCatalogue('dit-xl-2'));
  const prefixed = sketch.map((tensor) => ({ ...tensor, name: `model.diffusion_model.${tensor.name}` }));
  load(prefixed, (dit) => assert.is(dit.assumptions.length, 1));
});

known('shards give what one file gives, and mixed dtypes weigh what they are', () =>
  inFolder((folder) => {
    const sketch = sketchOf(loadCatalogue('pixart-xl-2')).map(
      (tensor): Sketch => ({ ...tensor, dtype: tensor.name.endsWith('weight') ? 'F8_E4M3' : 'F32' }),
    );
    // F32 runs in bf16.
    const bytes = sketch.map(
      ({ shape, dtype }) => shape.reduce((a, b) => a * b, 1) * (dtype === 'F32' ? 2 : 1),
    );
    const dit = loadDit(writeShards(folder, sketch));
    const total = 28 * bytesOf(tensorsOfBlock(dit.blocks[0]!.segments)) + dit.outsideBytes;
    near(
      total,
      bytes.reduce((a, b) => a + b, 0),
    );
    assert.match(dit.assumptions[1]!, 'Some weights are stored as F32 and taken to run in bf16');
    assert.match(dit.assumptions[2]!, 'F8_E4M3');
  }),
);

/** facebook/DiT-XL-2-256 as diffusers stores it, from its model class on the meta device. */
function facebookDit(): Sketch[] {
  const d = 1152;
  const linear = (name: string, out: number, from: number): Sketch[] => [
    { name: `${name}.weight`, shape: [out, from] },
    { name: `${name}.bias`, shape: [out] },
  ];
  const block = [
    ...linear('norm1.emb.timestep_embedder.linear_1', d, 256),
    ...linear('norm1.emb.timestep_embedder.linear_2', d, d),
    { name: 'norm1.emb.class_embedder.embedding_table.weight', shape: [1001, d] },
    ...linear('norm1.linear', 6 * d, d),
    ...['to_q', 'to_k', 'to_v', 'to_out.0'].flatMap((name) => linear(`attn1.${name}`, d, d)),
    ...linear('ff.net.0.proj', 4 * d, d),
    ...linear('ff.net.2', d, 4 * d),
  ];
  return [
    { name: 'pos_embed.proj.weight', shape: [d, 4, 2, 2] },
    { name: 'pos_embed.proj.bias', shape: [d] },
    ...Array.from({ length: 28 }, (_, layer) =>
      block.map((tensor) => ({ ...tensor, name: `transformer_blocks.${layer}.${tensor.name}` })),
    ).flat(),
    ...linear('proj_out_1', 2 * d, d),
    ...linear('proj_out_2', 32, d),
  ];
}

known(
  "diffusers' DiT-XL/2, whose blocks have embedders of their own, is DiT-XL/2 with 75 M parameters more",
  () => {
    load(facebookDit(), (dit) => {
      assert.equal(dit.assumptions, [
        'Every block has the tensors of DiT-XL/2 (diffusers), so its segments, token counts, text rows and guidance are used.',
      ]);
      const total = (of: Dit) =>
        of.outsideParameters + of.blocks.reduce((sum, { count, parameters }) => sum + count * parameters, 0);
      const original = loadDit('dit-xl-2');
      assert.is(total(dit), 749_826_464);
      const {
        id: _,
        name: __,
        file: ___,
        assumptions: ____,
        outsideParameters: _____,
        outsideBytes: ______,
        blocks: [block],
        ...own
      } = dit;
      for (const [key, value] of Object.entries(own)) {
        if (key !== 'unproved') assert.equal(value, original[key as keyof Dit], key);
      }
      assert.match(dit.unproved!, /embed the timestep and the class themselves/);
      // The same work a token; a step differs by the embedders of one row a sample.
      const work = (of: Dit['blocks'][number], rows: string) =>
        of.segments.reduce(
          (sum, segment) =>
            segment.kind === 'gemm'
              ? sum +
                segment.products.reduce(
                  (own, { in: from, out, rows: by }) => own + (by === rows ? from * out : 0),
                  0,
                )
              : sum,
          0,
        );
      assert.is(work(block!, 'x'), work(original.blocks[0]!, 'x'));
      assert.is(work(block!, 'c') - work(original.blocks[0]!, 'c'), 1152 * 256 + 1152 * 1152);
    });
  },
);

known.run();

const unknown = suite('checkpoints of other models');

const BLOCK: Sketch[] = [
  { name: 'norm1.linear.weight', shape: [6 * 256, 256] },
  { name: 'attn.to_q.weight', shape: [256, 256] },
  { name: 'attn.to_q.bias', shape: [256] },
  { name: 'attn.to_k.weight', shape: [256, 256] },
  { name: 'attn.to_v.weight', shape: [256, 256] },
  { name: 'attn.norm_q.weight', shape: [64] },
  { name: 'attn.to_out.0.weight', shape: [256, 256] },
  { name: 'ff.0.weight', shape: [1024, 256] },
  { name: 'ff.2.weight', shape: [256, 1024] },
];
const WITH_TEXT: Sketch[] = [...BLOCK, { name: 'attn.add_q_proj.weight', shape: [256, 256] }];
const OUTSIDE: Sketch[] = [
  { name: 'x_embedder.weight', shape: [256, 8, 1, 4, 4] },
  { name: 't_embedder.mlp.0.weight', shape: [256, 64] },
  { name: 't_embedder.mlp.2.weight', shape: [256, 256] },
];

const layers = (container: string, from: number, to: number, block: readonly Sketch[]): Sketch[] =>
  Array.from({ length: to - from }, (_, layer) =>
    block.map((tensor) => ({ ...tensor, name: `${container}.${from + layer}.${tensor.name}` })),
  ).flat();

unknown('work is guessed from names, and every guess is said', () => {
  load([...OUTSIDE, ...layers('layers', 0, 3, WITH_TEXT), ...layers('layers', 3, 5, BLOCK)], (dit) => {
    assert.equal(
      dit.blocks.map(({ container, count }) => [container, count]),
      [
        ['layers', 3],
        ['layers', 2],
      ],
    );
    assert.is(dit.hidden, 256);
    assert.is(dit.heads, 4);
    assert.is(dit.outsideParameters, 256 * 128 + 256 * 64 + 256 * 256);
    assert.equal(dit.patch, { t: 1, h: 4, w: 4 });
    assert.is(dit.vae.channels, 8);
    assert.is(dit.modality, 'video');
    assert.ok(dit.textRows > 0);
    const [dual, plain] = dit.blocks;
    assert.equal(
      dual!.segments.map(({ name }) => name),
      [
        'modulation',
        'norms and adds',
        'qkv',
        'self exchange in',
        'self-attention',
        'self exchange out',
        'other projections',
      ],
    );
    const rowsOf = (index: number) => {
      const segment = dual!.segments[index]!;
      return segment.kind === 'gemm' ? segment.products.map(({ rows }) => rows).join('') : '';
    };
    assert.equal([rowsOf(0), rowsOf(2), rowsOf(6)], ['c', 'xxxt', 'xxx']);
    const attends = (segments: typeof dual) => segments!.segments.find(({ kind }) => kind === 'attention');
    assert.equal(attends(dual), { kind: 'attention', name: 'self-attention', q: 'j', kv: 'j', width: 256 });
    assert.equal(attends(plain), { kind: 'attention', name: 'self-attention', q: 'x', kv: 'x', width: 256 });
    assert.ok(dit.assumptions.length >= 5);
    for (const sentence of dit.assumptions) assert.match(sentence, /^[A-Za-z].*\.$/);
  });
});

unknown('each parameter is counted once', () => {
  const tensors = [...OUTSIDE, ...layers('layers', 0, 3, WITH_TEXT)];
  const total = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  load(tensors, ({ blocks, outsideParameters }) => {
    assert.is(3 * blocks[0]!.parameters + outsideParameters, total);
    const owned = blocks[0]!.segments.flatMap((segment) => ('tensors' in segment ? segment.tensors : []));
    assert.equal(owned.map(({ name }) => name).sort(), WITH_TEXT.map(({ name }) => name).sort());
  });
});

unknown('without text or a patch embedding it is an image model without text', () => {
  load(layers('blocks', 0, 2, BLOCK), ({ modality, textRows, assumptions }) => {
    assert.is(modality, 'image');
    assert.is(textRows, 0);
    assert.match(assumptions.join(' '), 'No patch embedding was recognised');
  });
});

unknown('refuses a tensor without weights, and more layers than any model has', () => {
  const empty = BLOCK.map((tensor, index) => (index === 1 ? { ...tensor, shape: [0, 8] } : tensor));
  assert.throws(
    () => load(layers('blocks', 0, 2, empty), () => {}),
    /mine\.safetensors: tensor "blocks\.\d\..*": shape \[0, 8\] has a side of 0, so it holds no weights/,
  );
  assert.throws(
    () => load(layers('blocks', 0, 1001, BLOCK), () => {}),
    /mine\.safetensors: 1001 layers, the first in "blocks", expected at most 1000/,
  );
});

unknown('refuses a file without layers', () => {
  assert.throws(() => load(OUTSIDE, () => {}), /mine\.safetensors: no list of layers/);
  assert.throws(() => load([], () => {}), /mine\.safetensors: holds no tensors/);
});

unknown.run();

import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadCatalogue } from '../../../../model/dit/catalogue.ts';
import { bytesOf, tensorsOfBlock } from '../../../../model/dit/derive.ts';
import type { Dit } from '../../../../model/dit/dit.ts';
import { loadDit } from '../../../../model/dit/load.ts';
import { bytesOfSketch, inFolder, type Sketch, sketchOf, writeSafetensors } from '../checkpointFiles.ts';
import { few } from './namings.ts';
import { PACKINGS, packed } from './packings.ts';

const MODELS = ['wan2.1-t2v-14b', 'flux.1-dev', 'qwen-image-20b', 'flux.2-klein-4b'];

function load(tensors: readonly Sketch[], check: (dit: Dit, file: string) => void): void {
  inFolder((folder) => {
    const file = join(folder, 'mine.safetensors');
    writeSafetensors(file, tensors);
    check(loadDit(file), file);
  });
}

const storedBytes = (dit: Dit) =>
  dit.blocks.reduce((sum, { count, segments }) => sum + count * bytesOf(tensorsOfBlock(segments)), 0) +
  dit.outsideBytes;

/** Work alone: what packing may not change. */
const workOf = (dit: Dit) =>
  dit.blocks.map(({ count, segments }) => [
    count,
    segments.map((segment) => (segment.kind === 'gemm' ? segment.products : segment.name)),
  ]);

const packings = suite('packed weights');

for (const [what, packing] of Object.entries(PACKINGS)) {
  for (const id of MODELS) {
    packings(`${what}, ${id}: the model is recognised and has the bytes that are stored`, () => {
      const plain = sketchOf(loadCatalogue(id), few);
      const tensors = packed(plain, packing);
      let work: unknown;
      load(plain, (dit) => {
        work = workOf(dit);
      });
      load(tensors, (dit) => {
        assert.match(dit.assumptions[0]!, `Every block has the tensors of ${loadCatalogue(id).dit.name},`);
        assert.equal(workOf(dit), work);
        const bytes = tensors.reduce((sum, tensor) => sum + bytesOfSketch(tensor), 0);
        assert.ok(Math.abs(storedBytes(dit) - bytes) <= 1e-9 * bytes, `${storedBytes(dit)} of ${bytes}`);
        assert.match(dit.assumptions.at(-1)!, /^Weights stored as .* lie on the device/);
      });
    });
  }
}

packings('a bias tells the shape where the quantiser wrote none', () => {
  const tensors = packed(sketchOf(loadCatalogue('qwen-image-20b'), few), (name, out, from) => [
    { name, shape: [(out * from) / 2, 1], dtype: 'U8' },
    { name: `${name}.absmax`, shape: [(out * from) / 64], dtype: 'F32' },
  ]);
  load(tensors, (dit) => assert.match(dit.assumptions[0]!, 'tensors of Qwen-Image'));
});

packings('a packed weight that tells no shape is refused by name', () => {
  // FLUX.2 has no biases.
  const tensors = packed(sketchOf(loadCatalogue('flux.2-klein-4b'), few), (name, out, from) => [
    { name, shape: [(out * from) / 2, 1], dtype: 'U8' },
  ]);
  assert.throws(
    () => load(tensors, () => {}),
    /mine\.safetensors: tensor ".*\.weight": \d+ packed elements of a shape that neither .* give the checkpoint in bf16/,
  );
});

packings('an unknown packing into I32 is refused by name', () => {
  const tensors = packed(sketchOf(loadCatalogue('qwen-image-20b'), few), (name, out, from) => [
    { name, shape: [out, from / 8], dtype: 'I32' },
  ]);
  assert.throws(() => load(tensors, () => {}), /packed into I32 in a way that is not known/);
});

for (const id of ['wan2.1-t2v-1.3b', 'flux.1-dev', 'sd3.5-large']) {
  packings(`${id}: F32 runs in bf16, and is said to`, () => {
    const wide = sketchOf(loadCatalogue(id), few).map((tensor): Sketch => ({ ...tensor, dtype: 'F32' }));
    const bytes = wide.reduce((sum, tensor) => sum + bytesOfSketch(tensor), 0) / 2;
    load(wide, (dit) => {
      assert.is(storedBytes(dit), bytes);
      assert.match(
        dit.assumptions.at(-1)!,
        /^Weights are stored as F32 and taken to run in bf16.*--dtype fp32/,
      );
    });
    load(wide, (_, file) => {
      const kept = loadDit(file, { dtype: 'fp32' });
      assert.is(storedBytes(kept), 2 * bytes);
      assert.not.match(kept.assumptions.join(), 'stored as F32');
    });
  });
}

packings('layers of one kind in several precisions weigh their average, and it is said', () => {
  const plain = sketchOf(loadCatalogue('qwen-image-20b'), () => 4);
  const isLast = ({ name }: Sketch) => name.startsWith('transformer_blocks.3.');
  const tensors = [
    ...packed(
      plain.filter((tensor) => !isLast(tensor)),
      PACKINGS['fp8 without scales']!,
    ),
    ...plain.filter(isLast),
  ];
  const bytes = tensors.reduce((sum, tensor) => sum + bytesOfSketch(tensor), 0);
  load(tensors, (dit) => {
    assert.ok(Math.abs(storedBytes(dit) - bytes) < 1);
    assert.match(
      dit.assumptions.join(' '),
      /Blocks of kind dual are stored in \d+\.\d to \d+\.\d MiB and taken to weigh/,
    );
  });
});

packings('a single block whose output projection is stored in two is the same block', () => {
  // Nunchaku stores the attention's and the MLP's part of FLUX.1's proj_out apart.
  const plain = sketchOf(loadCatalogue('flux.1-dev'), few);
  const split = plain.flatMap((tensor): Sketch[] =>
    /^single.*proj_out\.weight$/.test(tensor.name)
      ? [
          { name: tensor.name.replace('proj_out', 'out_proj'), shape: [3072, 3072] },
          { name: tensor.name.replace('proj_out', 'mlp_fc2'), shape: [3072, 12288] },
        ]
      : [tensor],
  );
  load(split, (dit) => {
    assert.match(dit.assumptions[0]!, 'Every block has the tensors of FLUX.1-dev (12B),');
    assert.is(
      storedBytes(dit),
      plain.reduce((sum, tensor) => sum + bytesOfSketch(tensor), 0),
    );
  });
  load(packed(split, PACKINGS['SVDQuant int4']!), (dit) =>
    assert.match(dit.assumptions[0]!, 'Every block has the tensors of FLUX.1-dev (12B),'),
  );
});

packings.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueIds } from '../../../model/dit/catalogue.ts';
import { bytesOf, tensorsOfBlock } from '../../../model/dit/derive.ts';
import type { Dit } from '../../../model/dit/dit.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { WEIGHT_DTYPES, withWeightDtype } from '../../../model/dit/weightDtype.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import { passWeightBytes } from '../../../model/workload/workload.ts';

const dtypes = suite('--dtype');

const blockBytes = ({ blocks }: Dit) =>
  blocks.reduce((sum, { count, segments }) => sum + count * bytesOf(tensorsOfBlock(segments)), 0);
const blockParameters = ({ blocks }: Dit) =>
  blocks.reduce((sum, { count, parameters }) => sum + count * parameters, 0);

/** Bytes of a parameter of a large matrix, by the definitions of the types. */
const PER_PARAMETER: readonly [dtype: string, bytes: number][] = [
  ['fp8', 1],
  ['int8', 1],
  ['nf4', 0.5 + 4 / 64],
  ['fp4', 0.5 + 4 / 64],
  ['nvfp4', 0.5 + 1 / 16],
  ['q8_0', 34 / 32],
  ['q4_0', 18 / 32],
  ['q4_k', 144 / 256],
  ['q6_k', 210 / 256],
];

for (const id of ['wan2.1-t2v-14b', 'flux.1-dev', 'qwen-image-20b', 'hunyuanvideo-13b']) {
  for (const [dtype, bytes] of PER_PARAMETER) {
    dtypes(`${id} in ${dtype}: matrices are smaller, all else is as it was`, () => {
      const plain = loadDit(id);
      const dit = loadDit(id, { dtype });
      const share = blockBytes(dit) / blockParameters(dit) / bytes;
      // Norms and biases stay in bf16; row scales add at most 4 bytes to a row.
      assert.ok(share > 1 && share < 1.005, `${share}`);
      assert.is(dit.outsideBytes, plain.outsideBytes);
      const vectors = (of: Dit) =>
        of.blocks.map(({ segments }) =>
          bytesOf(tensorsOfBlock(segments).filter(({ shape }) => shape.length === 1)),
        );
      assert.equal(vectors(dit), vectors(plain));
      assert.match(dit.assumptions[0]!, `Weights are taken in ${dtype}: blocks have `);
      const size = plain.referenceSize;
      const [one, other] = [plain, dit].map((each) => bindWorkload(each, { size }));
      assert.is(
        passWeightBytes(other!),
        other!.blocks.reduce((sum, { weightBytes }) => sum + weightBytes, 0),
      );
      assert.ok(passWeightBytes(other!) < 0.55 * passWeightBytes(one!));
      assert.equal(
        other!.blocks[0]!.segments.map((segment) => ('flops' in segment ? segment.flops : segment.name)),
        one!.blocks[0]!.segments.map((segment) => ('flops' in segment ? segment.flops : segment.name)),
      );
      // Less is read from device memory, too.
      const read = (of: typeof one) =>
        of!.blocks[0]!.segments.reduce((sum, segment) => sum + ('bytes' in segment ? segment.bytes : 0), 0);
      assert.ok(
        Math.abs(read(one) - read(other) - (one!.blocks[0]!.weightBytes - other!.blocks[0]!.weightBytes)) <=
          1,
      );
    });
  }
}

for (const id of catalogueIds()) {
  dtypes(`${id}: bf16 and fp16 change nothing, fp32 doubles all`, () => {
    const plain = loadDit(id);
    for (const dtype of ['bf16', 'fp16']) assert.equal(loadDit(id, { dtype }), plain);
    const wide = loadDit(id, { dtype: 'fp32' });
    assert.is(blockBytes(wide), 2 * blockBytes(plain));
    assert.is(wide.outsideBytes, 2 * plain.outsideBytes);
    for (const dtype of WEIGHT_DTYPES) {
      const bytes = blockBytes(withWeightDtype(plain, dtype));
      assert.ok(bytes > 0.09 * blockBytes(plain) && bytes <= 2 * blockBytes(plain), dtype);
    }
  });
}

dtypes('refuses what it does not know', () =>
  assert.throws(
    () => loadDit('flux.1-dev', { dtype: 'fp7' }),
    /--dtype "fp7": expected one of bf16, fp16, fp32, fp8, /,
  ),
);

dtypes.run();

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadCatalogue } from '../../../../model/dit/catalogue.ts';
import { GGML_TYPES } from '../../../../model/dit/checkpoint/ggmlTypes.ts';
import { readGguf } from '../../../../model/dit/checkpoint/gguf.ts';
import { bytesOf, tensorsOfBlock } from '../../../../model/dit/derive.ts';
import { loadDit } from '../../../../model/dit/load.ts';
import { UserError } from '../../../../model/input/userError.ts';
import { inFolder, sketchOf } from '../checkpointFiles.ts';
import { bytesOfGguf, ggufHeader, inGgml, writeGguf } from './ggufFile.ts';
import { few, wanOfItsAuthors } from './namings.ts';
import { t5 } from './otherNetworks.ts';

const files = suite('GGUF files');

files('shapes, types and bytes of every type, flat tensors in their own shape', () =>
  inFolder((folder) => {
    const tensors = [
      ...GGML_TYPES.map(({ name }) => ({ name: `a.${name}`, shape: [8, 512], type: name })),
      { name: 'patch.weight', shape: [64, 16, 1, 2, 2], type: 'F16' },
    ];
    const file = join(folder, 'x.gguf');
    writeGguf(file, tensors);
    assert.equal(
      readGguf(file),
      tensors.map((tensor) => ({
        ...{ name: tensor.name, shape: tensor.shape, dtype: tensor.type, bytes: bytesOfGguf(tensor) },
      })),
    );
  }),
);

const MODELS: [id: string, type: string][] = [
  ['wan2.1-t2v-14b', 'Q4_K'],
  ['wan2.1-t2v-1.3b', 'Q8_0'],
  ['flux.1-dev', 'Q5_K'],
  ['qwen-image-20b', 'Q4_0'],
  ['sd3.5-large', 'Q6_K'],
];
for (const [id, type] of MODELS) {
  files(`${id} in ${type} is recognised and weighs what it is stored as`, () =>
    inFolder((folder) => {
      const tensors = inGgml(wanOfItsAuthors(sketchOf(loadCatalogue(id), few)), type);
      const file = join(folder, 'mine.gguf');
      writeGguf(file, tensors);
      const dit = loadDit(file);
      assert.is(dit.id, 'mine');
      assert.match(dit.assumptions[0]!, `Every block has the tensors of ${loadCatalogue(id).dit.name},`);
      const stored = tensors.reduce(
        (sum, tensor) => sum + bytesOfGguf(tensor) / (tensor.type === 'F32' ? 2 : 1),
        0,
      );
      const counted = dit.blocks.reduce(
        (sum, { count, segments }) => sum + count * bytesOf(tensorsOfBlock(segments)),
        dit.outsideBytes,
      );
      assert.ok(Math.abs(counted - stored) < 1, `${counted} of ${stored}`);
      assert.match(dit.assumptions.at(-1)!, type);
    }),
  );
}

files('a text encoder in GGUF is refused as one', () =>
  inFolder((folder) => {
    const file = join(folder, 't5.gguf');
    writeGguf(file, inGgml(t5(32128), 'Q8_0'));
    assert.throws(() => loadDit(file), /t5\.gguf: is a text encoder/);
  }),
);

const whole = ggufHeader([{ name: 'a', shape: [4, 32], type: 'Q4_0' }]);
/** With another number in four bytes. */
const changed = (offset: number, value: number) => {
  const copy = Buffer.concat([whole, Buffer.alloc(512)]);
  copy.writeUInt32LE(value, offset);
  return copy;
};
const REFUSED: [what: string, content: Buffer, message: RegExp][] = [
  ['another magic', Buffer.from('GGML\x03\0\0\0'), /begins with "GGML", expected "GGUF"/],
  ['version 1', changed(4, 1), /GGUF version 1, expected 2 or 3/],
  ['an absurd count', changed(12, 7), /\d+ entries of tensors, expected at most/],
  ['an unknown type', changed(whole.length - 12, 999), /tensor "a": type 999 is none that is known of ggml/],
  [
    'sides that are no blocks',
    changed(whole.length - 28, 33),
    /tensor "a": 132 elements, expected whole blocks of 32/,
  ],
  ['too many dimensions', changed(whole.length - 32, 99), /99 dimensions, expected at most 8/],
  [
    'a header that is cut',
    whole.subarray(0, whole.length - 3),
    /goes on behind the end of the file \(\d+ bytes\); it is cut short/,
  ],
  ['data that are cut', whole, /its tensors end at byte 72 of 0 behind the header; the file is cut short/],
  ['nothing in it', Buffer.alloc(0), /goes on behind the end of the file/],
  ['a header of zeros', Buffer.concat([Buffer.from('GGUF\x03\0\0\0'), Buffer.alloc(64)]), /holds no tensors/],
];
for (const [what, content, message] of REFUSED) {
  files(`refuses ${what}`, () =>
    inFolder((folder) => {
      const file = join(folder, 'x.gguf');
      writeFileSync(file, content);
      assert.throws(
        () => loadDit(file),
        (error: unknown) => {
          assert.instance(error, UserError);
          assert.match((error as Error).message, /x\.gguf: /);
          assert.match((error as Error).message, message);
          assert.is((error as Error).message.split('\n').length, 1);
          return true;
        },
      );
    }),
  );
}

files('refuses a file that is not there, and a folder', () =>
  inFolder((folder) => {
    assert.throws(() => loadDit(join(folder, 'none.gguf')), /cannot be read \(ENOENT\)/);
    assert.throws(() => readGguf(folder), /is no file/);
  }),
);

files.run();

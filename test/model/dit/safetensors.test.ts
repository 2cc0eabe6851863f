import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readHuggingFaceIndex } from '../../../model/dit/checkpoint/huggingFaceIndex.ts';
import { readSafetensors } from '../../../model/dit/checkpoint/safetensors.ts';
import { UserError } from '../../../model/input/userError.ts';
import { inFolder, type Sketch, writeRaw, writeSafetensors, writeShards } from './checkpointFiles.ts';

const TENSORS: Sketch[] = [
  { name: 'a.weight', shape: [4, 3] },
  { name: 'a.bias', shape: [4], dtype: 'F32' },
  { name: 'scale', shape: [], dtype: 'F8_E4M3' },
];
const STORED = [
  { name: 'a.weight', shape: [4, 3], dtype: 'BF16', bytes: 24 },
  { name: 'a.bias', shape: [4], dtype: 'F32', bytes: 16 },
  { name: 'scale', shape: [], dtype: 'F8_E4M3', bytes: 1 },
];

function refused(read: () => unknown, file: string, message: RegExp): void {
  assert.throws(read, (error: unknown) => {
    assert.instance(error, UserError);
    const text = (error as UserError).message;
    assert.match(text.slice(file.length), /^(:\d+:\d+)?: /, text);
    assert.ok(text.startsWith(file), `${text} names the file`);
    assert.match(text, message);
    return true;
  });
}

const single = suite('safetensors');

single('names, shapes, dtypes and bytes come from the header alone', () =>
  inFolder((folder) => {
    const file = join(folder, 'x.safetensors');
    writeSafetensors(file, TENSORS);
    assert.equal(readSafetensors(file), STORED);
  }),
);

const one = (fields: object) =>
  JSON.stringify({ w: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16], ...fields } });

/** A header, how many bytes of data follow it, the length that the file gives for it, and the message. */
const WRONG: [
  what: string,
  header: string,
  dataBytes: number,
  length: number | undefined,
  message: RegExp,
][] = [
  [
    'a header beyond the file',
    one({}),
    16,
    5000,
    /header length 5000, but the file has \d+ bytes; it is cut short/,
  ],
  ['an absurd header', one({}), 16, 2 ** 40, /header length 1099511627776, expected at most 104857600/],
  ['data that are cut short', one({}), 15, undefined, /"w": ends at byte 16 of 15; the file is cut short/],
  [
    'offsets that do not fit',
    one({ shape: [2, 3] }),
    16,
    undefined,
    /"w": offsets hold 16 bytes, expected 24 for \[2, 3\] F32/,
  ],
  [
    'offsets that hold more than the shape',
    one({ shape: [1, 2] }),
    16,
    undefined,
    /"w": offsets hold 16 bytes, expected 8 for \[1, 2\] F32/,
  ],
  [
    'a header a byte longer than allowed',
    one({}),
    16,
    100 * 2 ** 20 + 1,
    /header length 104857601, expected at most 104857600/,
  ],
  ['an unknown dtype', one({ dtype: 'F33' }), 16, undefined, /"w": dtype "F33", expected one of F64, /],
  ['a dtype of the language', one({ dtype: 'constructor' }), 16, undefined, /"w": dtype "constructor"/],
  [
    'a negative side',
    one({ shape: [-2, -2] }),
    16,
    undefined,
    /"w": expected \{dtype, shape, data_offsets\}/,
  ],
  ['no JSON', 'pickle', 0, undefined, /the header is no JSON, got "pickle"/],
  ['a list', '[1]', 0, undefined, /the header is \[1\], expected an object/],
];
for (const [what, header, dataBytes, length, message] of WRONG) {
  single(`refuses ${what}`, () =>
    inFolder((folder) => {
      const file = join(folder, 'x.safetensors');
      writeRaw(file, header, dataBytes, length);
      refused(() => readSafetensors(file), file, message);
    }),
  );
}

single('refuses what is shorter than a length, and a folder', () =>
  inFolder((folder) => {
    const file = join(folder, 'x.safetensors');
    writeFileSync(file, 'abc');
    refused(() => readSafetensors(file), file, /has 3 bytes, expected at least the 8/);
    refused(() => readSafetensors(folder), folder, /is no file/);
  }),
);

single.run();

const index = suite('index of shards');

index('joins the shards in the order of the index', () =>
  inFolder((folder) => assert.equal(readHuggingFaceIndex(writeShards(folder, TENSORS)), STORED)),
);

index('refuses a missing shard, with the remedy', () =>
  inFolder((folder) => {
    const file = writeShards(folder, TENSORS, 1);
    refused(
      () => readHuggingFaceIndex(file),
      file,
      /"model-00002-of-00002.safetensors" is missing; download it into/,
    );
  }),
);

index('refuses a shard without a promised tensor', () =>
  inFolder((folder) => {
    const file = writeShards(folder, TENSORS);
    writeSafetensors(join(folder, 'model-00001-of-00002.safetensors'), TENSORS.slice(0, 1));
    refused(() => readHuggingFaceIndex(file), file, /tensor "a.bias" is not in "model-00001/);
  }),
);

for (const [what, text, message] of [
  [
    'a path out of the folder',
    '{"weight_map": {"a": "../b.safetensors"}}',
    /shard "\.\.\/b\.safetensors": expected a file name/,
  ],
  ['a shard of no name', '{"weight_map": {"a": ""}}', /shard "": expected a file name/],
  ['the folder itself', '{"weight_map": {"a": "."}}', /shard "\.": expected a file name/],
  ['no map', '{"weights": {}}', /expected an object with weight_map/],
  ['no JSON', 'weight_map:', /is no JSON here; give the \*\.index\.json/],
] as const) {
  index(`refuses ${what}`, () =>
    inFolder((folder) => {
      const file = join(folder, 'm.index.json');
      writeFileSync(file, text);
      refused(() => readHuggingFaceIndex(file), file, message);
    }),
  );
}

index.run();

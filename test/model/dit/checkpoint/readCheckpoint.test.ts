import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadCatalogue } from '../../../../model/dit/catalogue.ts';
import { loadDit } from '../../../../model/dit/load.ts';
import { runCli } from '../../../support/runCli.ts';
import {
  inFolder,
  inFolderUntil,
  sketchOf,
  writeRaw,
  writeSafetensors,
  writeShards,
} from '../checkpointFiles.ts';
import { writeGguf } from './ggufFile.ts';
import { few } from './namings.ts';
import { clip, loraOf, vae } from './otherNetworks.ts';

const sketch = () => sketchOf(loadCatalogue('pixart-xl-2'), few);

const reading = suite('checkpoints by path');

reading('a folder of one file, of shards, and of a config', () =>
  inFolder((folder) => {
    const [one, shards] = [join(folder, 'one'), join(folder, 'shards')];
    mkdirSync(one);
    writeSafetensors(join(one, 'model.safetensors'), sketch());
    writeFileSync(join(one, 'config.json'), '{}');
    writeShards(shards, sketch());
    for (const path of [one, shards]) assert.match(loadDit(path).assumptions[0]!, 'tensors of PixArt');
  }),
);

reading('an id of the catalogue is that model, whatever the working folder holds', () =>
  assert.is(loadDit('pixart-xl-2').file.endsWith('pixart-xl-2.yaml'), true),
);

/** One line, the place, the way out. */
const REFUSED: [what: string, write: (folder: string) => string, message: RegExp][] = [
  [
    'one of several files',
    (folder) => {
      writeShards(folder, sketch());
      return join(folder, 'model-00001-of-00002.safetensors');
    },
    /model-00001-of-00002\.safetensors: is one of 2 files of a checkpoint; give model\.safetensors\.index\.json/,
  ],
  [
    'several checkpoints in a folder',
    (folder) => {
      for (const name of ['a', 'b']) writeSafetensors(join(folder, `${name}.safetensors`), sketch());
      return folder;
    },
    /holds 2 checkpoints \(a\.safetensors, b\.safetensors\); give one of them/,
  ],
  ['an empty folder', (folder) => folder, /holds no \.safetensors, \.gguf, \.index\.json or config\.json/],
  [
    "a pipeline's folder",
    (folder) => {
      mkdirSync(join(folder, 'transformer'));
      writeFileSync(join(folder, 'model_index.json'), '{}');
      return folder;
    },
    /is the folder of a pipeline; give .*transformer/,
  ],
  [
    'a file of torch.save',
    (folder) => {
      const file = join(folder, 'model.ckpt');
      writeFileSync(file, 'PK\x03\x04 and so on');
      return file;
    },
    /model\.ckpt: model\.ckpt is written by torch\.save, .*; convert it to safetensors/,
  ],
  [
    'a pickle that is called safetensors',
    (folder) => {
      const file = join(folder, 'model.safetensors');
      writeFileSync(file, Buffer.from([0x80, 0x02, 0x7d, 0x71, 0, 1, 2, 3, 4, 5]));
      return file;
    },
    /is written by torch\.save/,
  ],
  [
    'a header that is cut short',
    (folder) => {
      const file = join(folder, 'model.safetensors');
      writeRaw(file, '{"a":{"dtype":"BF16"', 0, 4000);
      return file;
    },
    /model\.safetensors: header length 4000, but the file has \d+ bytes; it is cut short/,
  ],
  [
    'an index without its files or a config',
    (folder) => writeShards(folder, sketch(), 1),
    /shard "model-00002-of-00002\.safetensors" is missing; download it into .*, or put the transformer's config\.json there/,
  ],
  [
    'a LoRA',
    (folder) => {
      const file = join(folder, 'lora.safetensors');
      writeSafetensors(file, loraOf(sketch(), 16, ['lora_A', 'lora_B']));
      return file;
    },
    /lora\.safetensors: is a LoRA of rank 16/,
  ],
  [
    'a text encoder in GGUF',
    (folder) => {
      const file = join(folder, 'clip.gguf');
      writeGguf(
        file,
        clip().map(({ name, shape }) => ({ name, shape, type: 'F16' })),
      );
      return file;
    },
    /clip\.gguf: is a text encoder/,
  ],
  [
    'a VAE',
    (folder) => {
      const file = join(folder, 'vae.safetensors');
      writeSafetensors(file, vae(3, true));
      return file;
    },
    /vae\.safetensors: is a VAE/,
  ],
  [
    'the config of a VAE',
    (folder) => {
      const file = join(folder, 'config.json');
      writeFileSync(file, '{"_class_name": "AutoencoderKLWan"}');
      return file;
    },
    /config\.json: is the configuration of a VAE/,
  ],
  [
    'a config that is not there',
    (folder) => join(folder, 'config.json'),
    /config\.json: cannot be read \(ENOENT\)/,
  ],
];
for (const [what, write, message] of REFUSED) {
  reading(`${what}: one line, exit 2, nothing written`, () =>
    inFolderUntil(async (folder) => {
      const path = write(folder);
      const before = readdirSync(folder, { recursive: true });
      const plan = join(folder, 'plan.json');
      const { code, stdout, stderr } = await runCli([
        ...['predict', '--model', path, '--machine', 'h100-pcie-x2', '--plan', 'yield', '--save-plan', plan],
      ]);
      assert.is(code, 2, stderr);
      assert.is(stdout, '');
      assert.match(stderr, message);
      assert.is(stderr.trimEnd().split('\n').length, 1);
      assert.equal(readdirSync(folder, { recursive: true }), before);
    }),
  );
}

reading.run();

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueIds, loadCatalogue } from '../../../../model/dit/catalogue.ts';
import { DIFFUSERS_CLASSES } from '../../../../model/dit/checkpoint/diffusersClasses.ts';
import type { Dit } from '../../../../model/dit/dit.ts';
import { loadDit } from '../../../../model/dit/load.ts';
import { packageRoot } from '../../../../model/input/packageFiles.ts';
import { UserError } from '../../../../model/input/userError.ts';
import { inFolder } from '../checkpointFiles.ts';

/** Settings as published config.json files have them, those that say nothing of dimensions left out. */
const CONFIGS: readonly [id: string, config: Record<string, unknown>][] = [
  [
    'wan2.1-t2v-14b',
    {
      ...{
        _class_name: 'WanTransformer3DModel',
        added_kv_proj_dim: null,
        attention_head_dim: 128,
        ffn_dim: 13824,
      },
      ...{
        image_dim: null,
        in_channels: 16,
        num_attention_heads: 40,
        num_layers: 40,
        patch_size: [1, 2, 2],
        text_dim: 4096,
      },
    },
  ],
  [
    'wan2.1-t2v-1.3b',
    {
      _class_name: 'WanModel',
      dim: 1536,
      ffn_dim: 8960,
      freq_dim: 256,
      in_dim: 16,
      num_heads: 12,
      num_layers: 30,
      text_len: 512,
    },
  ],
  [
    'flux.1-dev',
    {
      ...{
        _class_name: 'FluxTransformer2DModel',
        attention_head_dim: 128,
        guidance_embeds: true,
        in_channels: 64,
      },
      ...{
        joint_attention_dim: 4096,
        num_attention_heads: 24,
        num_layers: 19,
        num_single_layers: 38,
        pooled_projection_dim: 768,
      },
    },
  ],
  [
    'qwen-image-20b',
    {
      ...{
        _class_name: 'QwenImageTransformer2DModel',
        attention_head_dim: 128,
        guidance_embeds: false,
        in_channels: 64,
      },
      ...{
        joint_attention_dim: 3584,
        num_attention_heads: 24,
        num_layers: 60,
        patch_size: 2,
        pooled_projection_dim: 768,
      },
    },
  ],
  [
    'hunyuanvideo-13b',
    {
      ...{
        _class_name: 'HunyuanVideoTransformer3DModel',
        attention_head_dim: 128,
        in_channels: 16,
        num_attention_heads: 24,
      },
      ...{
        num_layers: 20,
        num_refiner_layers: 2,
        num_single_layers: 40,
        pooled_projection_dim: 768,
        text_embed_dim: 4096,
      },
    },
  ],
  [
    'sd3.5-large',
    {
      ...{
        _class_name: 'SD3Transformer2DModel',
        attention_head_dim: 64,
        caption_projection_dim: 2432,
        in_channels: 16,
      },
      ...{
        joint_attention_dim: 4096,
        num_attention_heads: 38,
        num_layers: 38,
        patch_size: 2,
        pooled_projection_dim: 2048,
      },
    },
  ],
  [
    'ltx-video-13b',
    {
      ...{
        _class_name: 'LTXVideoTransformer3DModel',
        attention_head_dim: 128,
        caption_channels: 4096,
        in_channels: 128,
      },
      ...{ cross_attention_dim: 4096, num_attention_heads: 32, num_layers: 48 },
    },
  ],
  [
    'z-image-6b',
    {
      ...{
        _class_name: 'ZImageTransformer2DModel',
        cap_feat_dim: 2560,
        dim: 3840,
        in_channels: 16,
        n_heads: 30,
      },
      ...{ n_kv_heads: 30, n_layers: 30, n_refiner_layers: 2 },
    },
  ],
  [
    'flux.2-klein-4b',
    {
      ...{
        _class_name: 'Flux2Transformer2DModel',
        attention_head_dim: 128,
        in_channels: 128,
        joint_attention_dim: 7680,
      },
      ...{ num_attention_heads: 24, num_layers: 5, num_single_layers: 20 },
    },
  ],
];
const configOf = (id: string) => CONFIGS.find(([of]) => of === id)![1];

function load(config: unknown, check: (dit: Dit) => void, entry?: string): void {
  inFolder((folder) => {
    mkdirSync(join(folder, 'transformer'));
    const file = join(folder, 'transformer', 'config.json');
    writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
    check(loadDit(file, entry === undefined ? {} : { entry }));
  });
}

const configs = suite('a config.json without weights');

for (const [id, config] of CONFIGS) {
  configs(`${id} is recognised by its dimensions`, () =>
    load(config, (dit) => {
      const same = loadCatalogue(id).dit;
      assert.match(dit.assumptions[0]!, `The configuration has the dimensions of ${same.name},`);
      assert.not.match(dit.assumptions.join(), 'It is like');
      assert.is(dit.id, 'transformer');
      for (const key of ['blocks', 'guidance', 'textRows', 'outsideBytes', 'hidden', 'heads'] as const)
        assert.equal(dit[key], same[key]);
    }),
  );
}

configs('classes are those of catalogue models', () => {
  const ids = catalogueIds();
  for (const id of Object.values(DIFFUSERS_CLASSES)) assert.ok(ids.includes(id), id);
  // And every class of diffusers that the catalogue is proven against is there, but for a form of a model.
  const { entries } = JSON.parse(
    readFileSync(join(packageRoot, 'experiments', 'catalogue', 'diffusers.json'), 'utf8'),
  ) as { entries: Record<string, { class: string }> };
  for (const [id, { class: name }] of Object.entries(entries))
    if (ids.includes(id)) assert.ok(Object.hasOwn(DIFFUSERS_CLASSES, name), `${name} of ${id}`);
});

configs('the folder of a config, and an index whose files are not there', () =>
  inFolder((folder) => {
    writeFileSync(join(folder, 'config.json'), JSON.stringify(configOf('flux.1-dev')));
    assert.match(loadDit(folder).assumptions[0]!, 'dimensions of FLUX.1-dev');
    const index = join(folder, 'diffusion_pytorch_model.safetensors.index.json');
    writeFileSync(
      index,
      JSON.stringify({ weight_map: { a: 'diffusion_pytorch_model-00001-of-00002.safetensors' } }),
    );
    assert.match(loadDit(index).assumptions[0]!, 'dimensions of FLUX.1-dev');
    assert.match(loadDit(folder).assumptions[0]!, 'dimensions of FLUX.1-dev');
  }),
);

configs('another input of the same blocks is said', () =>
  load({ ...configOf('wan2.1-t2v-14b'), in_channels: 48 }, (dit) =>
    assert.match(
      dit.assumptions.join(' '),
      /It is like Wan2\.1-T2V-14B, not that model itself: in_channels 48 is none of its inputs\./,
    ),
  ),
);

const RELATIVES: [id: string, changes: Record<string, unknown>, hidden: number, counts: number[]][] = [
  ['wan2.1-t2v-14b', { num_attention_heads: 32, ffn_dim: 11008, num_layers: 36 }, 4096, [36]],
  ['flux.1-dev', { num_layers: 8, num_single_layers: 12 }, 3072, [8, 12]],
  ['qwen-image-20b', { num_attention_heads: 16, num_layers: 24 }, 2048, [24]],
  ['sd3.5-large', { num_attention_heads: 24, num_layers: 24 }, 1536, [23, 1]],
];
for (const [id, changes, hidden, counts] of RELATIVES) {
  configs(`a relative of ${id} has that structure and its own dimensions`, () =>
    load({ ...configOf(id), ...changes }, (dit) => {
      const original = loadCatalogue(id).dit;
      assert.is(dit.hidden, hidden);
      assert.equal(
        dit.blocks.map(({ count }) => count),
        counts,
      );
      assert.match(
        dit.assumptions[0]!,
        `of the class of ${original.name} and has other dimensions (${hidden} wide,`,
      );
      assert.is(dit.unproved, `it has other dimensions than ${original.name}`);
      assert.equal(
        dit.blocks[0]!.segments.map(({ name }) => name),
        original.blocks[0]!.segments.map(({ name }) => name),
      );
      const widest = dit.blocks[0]!.segments.flatMap((segment) =>
        segment.kind === 'gemm' ? segment.products : [],
      );
      assert.ok(widest.every(({ in: from }) => from % hidden === 0 || from === changes.ffn_dim));
    }),
  );
}

configs('an entry says what a class that is not known has the structure of', () => {
  const { _class_name: _, ...settings } = configOf('qwen-image-20b');
  const own = { ...settings, _class_name: 'MyTransformer', num_layers: 30 };
  load(
    own,
    (dit) =>
      assert.equal(
        dit.blocks.map(({ count }) => count),
        [30],
      ),
    'qwen-image-20b',
  );
  assert.throws(
    () => load(own, () => {}),
    /class MyTransformer: no catalogue model is of it; .* or --entry with a model/,
  );
});

const REFUSED: [what: string, config: unknown, message: RegExp][] = [
  ['a VAE', { _class_name: 'AutoencoderKLWan', base_dim: 96 }, /configuration of a VAE \(AutoencoderKLWan\)/],
  ['another VAE', { _class_name: 'AutoencoderKL', latent_channels: 16 }, /configuration of a VAE/],
  [
    'a text encoder',
    { architectures: ['UMT5EncoderModel'], num_heads: 64, num_layers: 24 },
    /a text or image encoder \(UMT5EncoderModel\)/,
  ],
  [
    'a language model',
    { architectures: ['Qwen2_5_VLForConditionalGeneration'], hidden_size: 3584 },
    /a text or image encoder/,
  ],
  [
    'a ControlNet',
    { ...configOf('flux.1-dev'), _class_name: 'FluxControlNetModel' },
    /configuration of a ControlNet/,
  ],
  ['a U-Net', { _class_name: 'UNet2DConditionModel', in_channels: 4 }, /configuration of a U-Net/],
  [
    'a pipeline',
    { _class_name: 'WanPipeline', transformer: ['diffusers', 'WanTransformer3DModel'] },
    /configuration of a pipeline \(WanPipeline\)/,
  ],
  [
    'a scheduler',
    { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 },
    /configuration of a scheduler/,
  ],
  [
    'a class without dimensions',
    { _class_name: 'WanTransformer3DModel', in_channels: 16 },
    /says not how wide and deep it is by a key such as num_attention_heads and num_layers/,
  ],
  ['nothing', {}, /has neither a _class_name nor heads and layers/],
  ['a list', [], /is \[\], expected an object of settings/],
  ['no JSON', '_class_name: Wan', /config\.json:1:1: /],
  ['a cut file', '{"_class_name": "WanTr', /config\.json:1:/],
];
for (const [what, config, message] of REFUSED) {
  configs(`refuses ${what}`, () =>
    assert.throws(
      () => load(config, () => {}),
      (error: unknown) => {
        assert.instance(error, UserError);
        assert.match((error as Error).message, message);
        assert.is((error as Error).message.split('\n').length, 1);
        return true;
      },
    ),
  );
}

configs.run();

import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueIds, loadCatalogue } from '../../../../model/dit/catalogue.ts';
import { foreignNetwork } from '../../../../model/dit/checkpoint/foreign.ts';
import { unpackWeights } from '../../../../model/dit/checkpoint/weights.ts';
import { bytesOf, tensorsOfBlock } from '../../../../model/dit/derive.ts';
import type { Dit } from '../../../../model/dit/dit.ts';
import { loadDit } from '../../../../model/dit/load.ts';
import { UserError } from '../../../../model/input/userError.ts';
import { bindWorkload } from '../../../../model/workload/bind.ts';
import { bytesOfSketch, inFolder, type Sketch, sketchOf, writeSafetensors } from '../checkpointFiles.ts';
import { few, prefixed, wanOfItsAuthors } from './namings.ts';
import { clip, controlNetOf, imageEncoder, languageModel, loraOf, t5, unet, vae } from './otherNetworks.ts';

const sketch = (id: string, change = few) => sketchOf(loadCatalogue(id), change);
const whole = (count: number) => count;

function load(tensors: readonly Sketch[], check: (dit: Dit) => void): void {
  inFolder((folder) => {
    const file = join(folder, 'mine.safetensors');
    writeSafetensors(file, tensors);
    check(loadDit(file));
  });
}

const refusals = suite('checkpoints of other networks are refused as what they are');

const PEFT = ['lora_A', 'lora_B'] as const;
const KOHYA = ['lora_down', 'lora_up'] as const;

const REFUSED: [what: string, tensors: Sketch[], message: RegExp][] = [
  ['a LoRA of Wan', loraOf(sketch('wan2.1-t2v-14b'), 32, PEFT), /is a LoRA of rank 32/],
  ['a LoRA of FLUX.1', loraOf(sketch('flux.1-dev'), 16, KOHYA, true), /is a LoRA of rank 16/],
  ['a LoRA of a large rank', loraOf(sketch('qwen-image-20b'), 384, PEFT), /is a LoRA of rank 384/],
  [
    'a LoRA of LTX',
    loraOf(sketch('ltx-video-13b'), 128, KOHYA),
    /is a LoRA of rank 128.*base model's checkpoint/,
  ],
  ['UMT5', t5(256384), /is a text encoder .*table of 256,384 tokens/],
  ['T5-XXL', t5(32128), /is a text encoder/],
  ['CLIP-L', clip(), /is a text encoder/],
  ['Qwen2.5-VL', languageModel(152064, 3584, 18944), /is a text encoder/],
  ['Llama 3.1', languageModel(128256, 4096, 14336), /is a text encoder/],
  ['Gemma', languageModel(262144, 2048, 16384), /is a text encoder/],
  ['SigLIP', imageEncoder(), /is an image encoder/],
  ['CLIP ViT-H', imageEncoder(1280), /is an image encoder/],
  ["Wan's VAE", vae(3, true), /is a VAE/],
  ["FLUX's VAE", vae(3, false), /is a VAE/],
  ['a VAE under a prefix', prefixed('first_stage_model.', vae(3, false)), /is a VAE/],
  ['a U-Net', unet(), /is a U-Net \(\d+ % of its parameters/],
  [
    'a ControlNet of FLUX.1',
    controlNetOf(sketch('flux.1-dev', whole), 'transformer_blocks', 5, 3072),
    /is a ControlNet/,
  ],
  [
    'a ControlNet of Qwen-Image',
    controlNetOf(sketch('qwen-image-20b', whole), 'transformer_blocks', 5, 3072),
    /is a ControlNet \("controlnet_blocks" has a matrix for the output of each of its 5 blocks\)/,
  ],
  [
    'a ControlNet of Wan',
    controlNetOf(sketch('wan2.1-t2v-1.3b', whole), 'blocks', 8, 1536),
    /is a ControlNet/,
  ],
  [
    'a ControlNet of PixArt',
    controlNetOf(sketch('pixart-xl-2', whole), 'transformer_blocks', 13, 1152),
    /is a ControlNet/,
  ],
];
for (const [what, tensors, message] of REFUSED) {
  refusals(what, () =>
    assert.throws(
      () => load(tensors, () => {}),
      (error: unknown) => {
        assert.instance(error, UserError);
        const text = (error as UserError).message;
        assert.match(text, message);
        assert.match(text, /mine\.safetensors: /);
        assert.match(text, /; give the /);
        assert.is(text.split('\n').length, 1);
        return true;
      },
    ),
  );
}

for (const id of catalogueIds()) {
  refusals(`${id} is taken for none of them`, () => {
    const stored = sketch(id).map((tensor) => ({ ...tensor, dtype: 'BF16', bytes: bytesOfSketch(tensor) }));
    assert.is(foreignNetwork(unpackWeights('mine.safetensors', stored)), undefined);
  });
}

refusals.run();

const together = suite('the transformer of a checkpoint of several networks');

const PIPELINES: [what: string, id: string, tensors: () => Sketch[]][] = [
  [
    'FLUX.1, T5, CLIP and VAE',
    'flux.1-dev',
    () => [
      ...prefixed('model.diffusion_model.', sketch('flux.1-dev', whole)),
      ...prefixed('text_encoders.t5xxl.transformer.', t5(32128)),
      ...prefixed('text_encoders.clip_l.transformer.', clip()),
      ...prefixed('vae.', vae(3, false)),
    ],
  ],
  [
    'Wan, UMT5 without its table, and VAE',
    'wan2.1-t2v-14b',
    () => [
      ...prefixed('text_encoders.umt5xxl.transformer.', t5(256384).slice(1)),
      ...prefixed('vae.', vae(3, true)),
      ...prefixed('model.diffusion_model.', wanOfItsAuthors(sketch('wan2.1-t2v-14b', whole))),
    ],
  ],
  [
    'SD3.5, two CLIPs',
    'sd3.5-large',
    () => [
      ...prefixed('conditioner.embedders.0.transformer.', clip()),
      ...prefixed('conditioner.embedders.1.transformer.', clip(1280)),
      ...prefixed('model.diffusion_model.', sketch('sd3.5-large', whole)),
      ...prefixed('first_stage_model.', vae(3, false)),
    ],
  ],
  [
    'LTX-Video and its VAE',
    'ltx-video-13b',
    () => [
      ...prefixed('model.diffusion_model.', sketch('ltx-video-13b', whole)),
      ...prefixed('vae.', vae(128, true)),
    ],
  ],
  [
    'Qwen-Image and Qwen2.5-VL, by the names of a pipeline',
    'qwen-image-20b',
    () => [
      ...prefixed('transformer.', sketch('qwen-image-20b', whole)),
      ...prefixed('text_encoder.', languageModel(152064, 3584, 18944)),
    ],
  ],
];
for (const [what, id, tensors] of PIPELINES) {
  together(what, () => {
    const alone = loadCatalogue(id).dit;
    load(tensors(), (dit) => {
      assert.match(dit.assumptions[0]!, `Every block has the tensors of ${alone.name}, so`);
      assert.match(
        dit.assumptions.join(' '),
        /The file holds other networks too \(.*\): only the transformer under (model\.diffusion_model|transformer) is counted/,
      );
      assert.not.match(dit.assumptions.join(' '), 'It is like');
      assert.is(dit.outsideParameters, alone.outsideParameters);
      assert.equal(
        dit.blocks.map(({ count, parameters }) => [count, parameters]),
        alone.blocks.map(({ count, parameters }) => [count, parameters]),
      );
    });
  });
}

together('a transformer that no catalogue model is like is picked out, too', () => {
  const own = (id: string) =>
    sketch(id).flatMap((tensor) =>
      /^transformer_blocks\.\d+\.attn\.to_q\.weight$/.test(tensor.name)
        ? Array.from({ length: 14 }, (_, index) => ({
            ...tensor,
            name: tensor.name.replace('to_q', `extra${index}`),
          }))
        : [tensor],
    );
  load(
    [
      ...prefixed('text_encoders.t5.', t5(32128)),
      ...prefixed('model.diffusion_model.', own('qwen-image-20b')),
      ...prefixed('vae.', vae(3, false)),
    ],
    (dit) => {
      assert.match(dit.assumptions[0]!, 'No catalogue model has these blocks');
      assert.equal(
        dit.blocks.map(({ container }) => container),
        ['transformer_blocks'],
      );
      assert.match(dit.assumptions.join(' '), /other networks too \(text_encoders, vae; /);
    },
  );
});

together.run();

const branches = suite('block lists beside those of the catalogue');

/** VACE: copies of the first blocks with projections in and out, as diffusers names them. */
function withBranch(id: string, container: string, count: number, d: number): Sketch[] {
  const tensors = sketch(id, whole);
  const own = loadCatalogue(id).dit.blocks[0]!.container;
  const first = tensors.filter(({ name }) => name.startsWith(`${own}.0.`));
  return [
    ...tensors,
    ...Array.from({ length: count }, (_, index) => [
      ...first.map((tensor) => ({
        ...tensor,
        name: tensor.name.replace(`${own}.0.`, `${container}.${index}.`),
      })),
      { name: `${container}.${index}.proj_out.weight`, shape: [d, d] },
      ...(index === 0 ? [{ name: `${container}.0.proj_in.weight`, shape: [d, d] }] : []),
    ]).flat(),
  ];
}

const BRANCHES: [id: string, container: string, count: number, d: number][] = [
  ['wan2.1-t2v-14b', 'vace_blocks', 8, 5120],
  ['wan2.1-t2v-1.3b', 'vace_blocks', 15, 1536],
  ['qwen-image-20b', 'control_blocks', 6, 3072],
  ['pixart-xl-2', 'controlnet.blocks', 13, 1152],
];
for (const [id, container, count, d] of BRANCHES) {
  branches(`${container} of ${id} are work and weights`, () => {
    const { dit: plain } = loadCatalogue(id);
    const tensors = withBranch(id, container, count, d);
    load(tensors, (dit) => {
      const [kind] = plain.blocks;
      assert.is(
        dit.blocks.reduce((sum, block) => sum + block.count, 0),
        plain.blocks.reduce((sum, block) => sum + block.count, 0) + count,
      );
      const inBranch = dit.blocks.filter((block) => block.container === container);
      assert.is(
        inBranch.reduce((sum, block) => sum + block.count, 0),
        count,
      );
      for (const block of inBranch) {
        const own = block.segments.slice(0, kind!.segments.length).map(({ name }) => name);
        assert.equal(
          own,
          kind!.segments.map(({ name }) => name),
        );
      }
      const parameters = tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
      const counted = dit.blocks.reduce(
        (sum, block) => sum + block.count * bytesOf(tensorsOfBlock(block.segments)),
        dit.outsideBytes,
      );
      assert.ok(Math.abs(counted - 2 * parameters) < 1, `${counted} of ${2 * parameters}`);
      assert.match(dit.assumptions.join(' '), `${count} further blocks in ${container}`);
      // As much work as so many blocks, and that of the projections.
      const flops = (of: Dit) => {
        const { blocks } = bindWorkload(of, { size: plain.referenceSize, cfg: 'none' });
        return blocks.reduce(
          (sum, { segments }) =>
            sum + segments.reduce((own, segment) => own + ('flops' in segment ? segment.flops : 0), 0),
          0,
        );
      };
      const all = plain.blocks.reduce((sum, block) => sum + block.count, 0);
      const more = flops(dit) / flops(plain);
      assert.ok(more > 1 + count / all && more < 1 + (1.15 * count) / all, `${more}`);
    });
  });
}

for (const [id, container, count, d] of BRANCHES) {
  branches(`${container} without ${id} are refused`, () => {
    const alone = withBranch(id, container, count, d).filter(({ name }) => name.startsWith(container));
    assert.is(alone.length > 0, true);
    assert.throws(
      () => load(alone, () => {}),
      /(is a branch \(VACE or a ControlNet\) of .* without that model|is a part of .* that lacks the \d+ blocks).*; give /,
    );
  });
}

for (const id of ['flux.1-dev', 'hunyuanvideo-13b', 'z-image-6b', 'flux.2-dev']) {
  branches(`${id} without most of its blocks is refused`, () => {
    const { dit } = loadCatalogue(id);
    const heaviest = [...dit.blocks].sort((a, b) => b.count * b.parameters - a.count * a.parameters)[0]!;
    const part = sketch(id, whole).filter(({ name }) => !name.startsWith(`${heaviest.container}.`));
    const without = () =>
      load(part, (found) => assert.match(found.assumptions.join(), `lacks the ${heaviest.count} blocks`));
    const share =
      (heaviest.count * heaviest.parameters) /
      dit.blocks.reduce((sum, { count, parameters }) => sum + count * parameters, 0);
    if (share > 0.5)
      assert.throws(
        without,
        /is a part of .* that lacks the \d+ blocks of kind .*; give the whole checkpoint/,
      );
    else without();
  });
}

branches.run();

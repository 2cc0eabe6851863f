import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueIds, loadCatalogue } from '../../../../model/dit/catalogue.ts';
import type { DitSource } from '../../../../model/dit/derive.ts';
import type { Dit } from '../../../../model/dit/dit.ts';
import { loadDit } from '../../../../model/dit/load.ts';
import { bindWorkload } from '../../../../model/workload/bind.ts';
import { runCli } from '../../../support/runCli.ts';
import { inFolder, inFolderUntil, type Sketch, sketchOf, writeSafetensors } from '../checkpointFiles.ts';
import { doubleAndSingleBlocks, few, fusedAndNameless, prefixed, wanOfItsAuthors } from './namings.ts';

function load(tensors: readonly Sketch[], entry?: string): Dit {
  let dit: Dit | undefined;
  inFolder((folder) => {
    const file = join(folder, 'mine.safetensors');
    writeSafetensors(file, tensors);
    dit = { ...loadDit(file, entry === undefined ? {} : { entry }), file: '' };
  });
  return dit!;
}

/** Text-to-video models of equal shapes. */
const TWINS = ['wan2.1-t2v-14b', 'wan2.2-t2v-a14b'];

const namings = suite('the same weights under several namings');

for (const id of catalogueIds()) {
  namings(`${id}: fused, nameless and in another order, it is the same model`, () => {
    const source = loadCatalogue(id);
    const plain = load(sketchOf(source, few));
    const other = load(fusedAndNameless(source, few));
    assert.equal(other, plain);
    if (plain.entry !== id) assert.match(plain.assumptions.join(' '), `--entry ${id} takes it`);
    const chosen = plain.entry === id ? plain : load(fusedAndNameless(source, few), id);
    assert.is(chosen.entry, id);
    assert.equal(chosen.guidance, source.dit.guidance);
    assert.is(chosen.textRows, source.dit.textRows);
  });
}

/** Of models with equal shapes, the one that is taken. */
const isTaken = (id: string) => load(sketchOf(loadCatalogue(id), few)).entry === id;

const SAME_JSON: [string, (source: DitSource) => Sketch[][]][] = [
  ...catalogueIds()
    .filter((id) => id.startsWith('wan') && isTaken(id) && loadCatalogue(id).dit.experts === 1)
    .map((id): [string, (source: DitSource) => Sketch[][]] => [
      id,
      (source) => [
        sketchOf(source),
        wanOfItsAuthors(sketchOf(source)),
        prefixed('model.diffusion_model.', wanOfItsAuthors(sketchOf(source))),
      ],
    ]),
  ...['flux.1-dev', 'hunyuanvideo-13b'].map((id): [string, (source: DitSource) => Sketch[][]] => [
    id,
    (source) => [
      sketchOf(source),
      doubleAndSingleBlocks(source),
      prefixed('model.model.', doubleAndSingleBlocks(source)),
    ],
  ]),
  ...['qwen-image-20b', 'ltx-video-13b', 'z-image-6b'].map(
    (id): [string, (source: DitSource) => Sketch[][]] => [
      id,
      (source) => [
        sketchOf(source),
        prefixed('model.diffusion_model.', sketchOf(source)),
        prefixed('transformer.', sketchOf(source)).reverse(),
      ],
    ],
  ),
];
/** All blocks are read; a few are enough to be predicted. */
const ASKED = ['--blocks', '4', '--machine', 'h100-pcie-x2', '--plan', 'layerwise', '--json'];
for (const [id, variants] of SAME_JSON) {
  namings(`${id}: predict prints the same JSON but for the name`, async () => {
    const texts: string[] = [];
    for (const tensors of variants(loadCatalogue(id))) {
      const { stdout } = await inFolderUntil((folder) => {
        const file = join(folder, 'mine.safetensors');
        writeSafetensors(file, tensors);
        return runCli(['predict', '--model', file, ...ASKED]);
      });
      texts.push(stdout);
    }
    assert.ok(texts[0]!.includes('"layerwise"'));
    for (const text of texts) assert.is(text, texts[0]);
    // And the catalogue's own prediction.
    const { stdout } = await runCli(['predict', '--model', id, ...ASKED]);
    assert.equal(JSON.parse(texts[0]!).plans, JSON.parse(stdout).plans);
  });
}

namings('one of several models of equal shapes is chosen, and --entry takes the other', () => {
  const sketch = sketchOf(loadCatalogue('wan2.2-t2v-a14b'));
  const first = load(sketch);
  assert.match(
    first.assumptions.join(),
    /Wan2\.2-T2V-A14B \(2 experts\) fits as well; --entry wan2\.2-t2v-a14b takes it/,
  );
  assert.is(load(sketch, first.entry!).entry, first.entry);
  const other = load(sketch, 'wan2.2-t2v-a14b');
  assert.match(other.assumptions[0]!, /tensors of Wan2\.2-T2V-A14B/);
  assert.match(other.assumptions[1]!, /one of 2 experts/);
  assert.is(other.assumptions.length, 2);
  assert.throws(
    () => load(sketch, 'flux.1-dev'),
    /--entry flux\.1-dev: the checkpoint's blocks have not the matrices of FLUX\.1-dev/,
  );
  assert.throws(() => load(sketch, 'wan9'), /--entry "wan9": not in the catalogue/);
  assert.throws(() => loadDit('flux.1-dev', { entry: 'flux.1-dev' }), /says what a checkpoint is/);
});

namings('what differs from the catalogue is said', () => {
  const sketch = sketchOf(loadCatalogue('wan2.1-t2v-1.3b'));
  const wider = sketch.map((tensor) =>
    tensor.name === 'patch_embedding.weight' ? { ...tensor, shape: [1536, 36, 1, 2, 2] } : tensor,
  );
  assert.match(
    load(wider).assumptions.join(' '),
    /like Wan2\.1-T2V-1\.3B, not that model itself: it has matrices of 144 inputs outside the blocks; it lacks those of 64 inputs\./,
  );
  const shorter = sketchOf(loadCatalogue('wan2.1-t2v-1.3b'), () => 12);
  assert.match(load(shorter).assumptions.join(' '), /it has 12 blocks of kind block, not 30/);
});

/** Image-to-video weights of a text-to-video model: more channels come in, and some attend to an image. */
function imageToVideo(id: string, channels: number, attends: boolean): Sketch[] {
  const { hidden, blocks } = loadCatalogue(id).dit;
  const linear = (name: string, out: number, from: number): Sketch[] => [
    { name: `${name}.weight`, shape: [out, from] },
    { name: `${name}.bias`, shape: [out] },
  ];
  const branch = Array.from({ length: blocks[0]!.count }, (_, index) => [
    ...linear(`blocks.${index}.cross_attn.k_img`, hidden, hidden),
    ...linear(`blocks.${index}.cross_attn.v_img`, hidden, hidden),
    { name: `blocks.${index}.cross_attn.norm_k_img.weight`, shape: [hidden] },
  ]).flat();
  const own = wanOfItsAuthors(sketchOf(loadCatalogue(id))).map((tensor) =>
    tensor.name === 'patch_embedding.weight' ? { ...tensor, shape: [hidden, channels, 1, 2, 2] } : tensor,
  );
  const embedder = [...linear('img_emb.proj.1', 1280, 1280), ...linear('img_emb.proj.3', hidden, 1280)];
  return attends ? [...own, ...branch, ...embedder] : own;
}

for (const [id, channels, attends] of [
  ['wan2.1-t2v-14b', 36, true],
  ['wan2.1-t2v-14b', 36, false],
  ['wan2.1-t2v-1.3b', 36, true],
  ['wan2.1-t2v-1.3b', 52, false],
  ['wan2.2-ti2v-5b', 100, false],
] as const) {
  namings(
    `${id} with ${channels} channels${attends ? ' and an image branch' : ''} is not that model, and has its work`,
    () => {
      const { dit: plain } = loadCatalogue(id);
      const dit = load(imageToVideo(id, channels, attends));
      const isOther = dit.entry !== id && dit.entry !== null && !TWINS.includes(dit.entry);
      const says = dit.assumptions.join(' ');
      if (!isOther)
        assert.match(says, new RegExp(`It is like .*it has matrices of ${4 * channels}[, ].*lacks those of`));
      assert.is(/It is like/.test(says), !isOther);
      if (attends && !isOther) assert.match(says, 'and up to 2 matrices more');
      assert.equal(dit.guidance, plain.guidance);
      assert.is(dit.textRows, plain.textRows);
      const flops = (of: Dit) => {
        const { blocks } = bindWorkload(of, { size: plain.referenceSize, cfg: 'none' });
        return blocks.reduce(
          (sum, { segments }) =>
            sum + segments.reduce((all, segment) => all + ('flops' in segment ? segment.flops : 0), 0),
          0,
        );
      };
      // An image's rows are few beside the video's.
      const more = flops(dit) / flops(plain);
      assert.ok(attends ? more > 1 && more < 1.02 : more === 1, `${more}`);
    },
  );
}

namings('layers that are called by their number are a list', () => {
  const plain = sketchOf(loadCatalogue('cosmos-1.0-7b'));
  const named = plain.map((tensor) => ({
    ...tensor,
    name: `net.${tensor.name.replace(/^transformer_blocks\.(\d+)\./, 'blocks.block$1.')}`,
  }));
  assert.equal(load(named), load(plain));
});

namings('six square projections are not taken for a modulation matrix', () => {
  const source = loadCatalogue('dit-xl-2');
  const split = sketchOf(source, few).flatMap((tensor) =>
    /adaLN_modulation.*weight$/.test(tensor.name) && tensor.name.startsWith('blocks')
      ? Array.from({ length: 6 }, (_, index) => ({
          name: tensor.name.replace('weight', `p${index}.weight`),
          shape: [1152, 1152],
        }))
      : [tensor],
  );
  assert.is.not(split.length, sketchOf(source, few).length);
  assert.match(load(split).assumptions[0]!, 'No catalogue model has these blocks');
});

namings.run();

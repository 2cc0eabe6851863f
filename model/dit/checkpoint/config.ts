import { files } from '../../input/files.ts';
import { UserError } from '../../input/userError.ts';
import { knownLayouts, loadCatalogue } from '../catalogue.ts';
import { type DitSource, tensorsOfBlock } from '../derive.ts';
import type { Dit } from '../dit.ts';
import { rowsByColumns } from './compareOutside.ts';
import { Config, REMEDY } from './configFile.ts';
import { DIFFUSERS_CLASSES } from './diffusersClasses.ts';
import type { CheckpointOptions } from './fromCheckpoint.ts';

/** Keys of a config by what they say, as diffusers and the models' own repositories write them. */
const HEADS = ['num_attention_heads', 'num_heads', 'heads_num', 'n_heads', 'heads'];
const HEAD_WIDTH = ['attention_head_dim', 'head_dim'];
const WIDTH = ['hidden_size', 'dim', 'inner_dim', 'model_dim', 'model_channels'];
const MAIN_LAYERS = [
  'num_layers',
  'num_double_layers',
  'mm_double_blocks_depth',
  'depth',
  'n_layers',
  'num_mmdit_layers',
  'num_visual_blocks',
];
const SINGLE_LAYERS = [
  'num_single_layers',
  'mm_single_blocks_depth',
  'depth_single_blocks',
  'num_single_dit_layers',
];
const INNER_WIDTH = ['ffn_dim', 'intermediate_size', 'ffn_hidden_size'];
/** Widths of text and images that come in, the first that is given: the inputs of a matrix outside of the blocks. */
const TEXT_WIDTH = ['joint_attention_dim', 'text_dim', 'text_embed_dim', 'caption_channels', 'cap_feat_dim'];
const IMAGE_WIDTHS = ['image_dim', 'image_embed_dim'];
const POOLED_WIDTH = ['pooled_projection_dim'];
const IN_CHANNELS = ['in_channels', 'in_dim'];
const BRANCH_CHANNELS = ['vace_in_channels'];
/** Rows of a learned table of positions. */
const POSITIONS = ['pos_embed_seq_len'];
/** Sinusoids that embedders of timestep and guidance read. */
const EMBEDDED_FREQUENCIES = 256;

/** Whether a name is that of a configuration: `config.json`, `model_index.json`, or another JSON file that is no index of shards. */
export function isConfigFile(name: string): boolean {
  return /\.json$/i.test(name) && !/\.index\.json$/i.test(name);
}

/**
 * The model of a transformer's `config.json`, without its weights: the catalogue's model of these dimensions, or its
 * relative with other dimensions where the class is known. Weights are taken in bf16.
 *
 * @throws UserError for configurations of other networks, of pipelines, and of classes that no catalogue model is of.
 */
export function readConfig(file: string, { entry }: CheckpointOptions): Dit {
  const config = new Config(file);
  refuseOtherClasses(file, config);
  const id =
    files.nameOf(file, '.json') === 'config'
      ? files.nameOf(files.folderOf(file))
      : files.nameOf(file, '.json');
  const own = { id: id === '.' || id === '' ? 'config' : id, file };
  const { className } = config;
  const known = className === undefined ? undefined : DIFFUSERS_CLASSES[className];
  if (className !== undefined && known === undefined && entry === undefined)
    throw unknownClass(file, className);
  const lists = known === undefined ? undefined : listsOf(loadCatalogue(known).dit);
  const ranked = knownLayouts()
    .filter(({ dit }) =>
      entry === undefined ? lists === undefined || listsOf(dit) === lists : dit.id === entry,
    )
    .filter((source) => hasDimensions(config, source))
    .map((source) => ({ ...source, ...comparison(config, source) }))
    // Then the class's own model, and the one with the least that the configuration says nothing of.
    .sort(
      (a, b) =>
        b.evidence - a.evidence ||
        Number(b.dit.id === known) - Number(a.dit.id === known) ||
        a.dit.outsideParameters - b.dit.outsideParameters,
    );
  const [best] = ranked;
  // Equal width, heads and layers may be chance where no class is named.
  const isNamed = className !== undefined || entry !== undefined;
  if (best === undefined || (!isNamed && best.otherwise.length > 0))
    return relative(file, config, entry, own);
  const { dit, otherwise } = best;
  const others = ranked.filter(
    (other) =>
      other !== best &&
      other.evidence === best.evidence &&
      other.dit.outsideParameters === dit.outsideParameters,
  );
  return {
    ...{ ...dit, ...own, name: own.id, experts: 1 },
    assumptions: [
      `The configuration has the dimensions of ${dit.name}, so its blocks, token counts, text rows and guidance are used; weights are taken in bf16.`,
      ...(otherwise.length > 0
        ? [`It is like ${dit.name}, not that model itself: ${otherwise.join(', ')} is none of its inputs.`]
        : []),
      ...(entry === undefined
        ? others.map((other) => `${other.dit.name} fits as well; --entry ${other.dit.id} takes it.`)
        : []),
    ],
  };
}

function unknownClass(file: string, className: string): UserError {
  return new UserError(
    `class ${className}: no catalogue model is of it; give the weights' .safetensors, or --entry with a model of the same structure`,
    { file },
  );
}

const listsOf = ({ blocks }: Dit) => [...new Set(blocks.map(({ container }) => container))].join();

/** A model of a known class with other dimensions. */
function relative(
  file: string,
  config: Config,
  entry: string | undefined,
  own: { id: string; file: string },
): Dit {
  const known = entry ?? (config.className === undefined ? undefined : DIFFUSERS_CLASSES[config.className]);
  if (known === undefined)
    throw new UserError(
      "names no class, and no catalogue model has its dimensions; give the weights' .safetensors, or --entry with a model of the same structure",
      { file },
    );
  const original = loadCatalogue(known).dit;
  const saysWidth = config.number(HEADS) !== undefined || config.number(WIDTH) !== undefined;
  if (!saysWidth || config.number(MAIN_LAYERS) === undefined)
    throw new UserError(
      `says not how wide and deep it is by a key such as ${HEADS[0]} and ${MAIN_LAYERS[0]}; give the weights' .safetensors`,
      { file },
    );
  const heads = config.number(HEADS) ?? original.heads;
  const headWidth = config.number(HEAD_WIDTH) ?? widthOf(config, heads, original) / heads;
  const inner = config.number(INNER_WIDTH);
  const { dit } = loadCatalogue(known, {
    dimensions: { heads, headDim: headWidth, ...(inner === undefined ? {} : { f: inner }) },
    counts: countsOf(config, original),
  });
  return {
    ...{ ...dit, ...own, name: own.id, experts: 1 },
    unproved: `it has other dimensions than ${original.name}`,
    assumptions: [
      `It is of the class of ${original.name} and has other dimensions (${dit.hidden} wide, ${dit.heads} heads, ${dit.blocks.map(({ count }) => count).join(' + ')} blocks): that model's structure, text rows and guidance are used; weights are taken in bf16.`,
    ],
  };
}

function widthOf(config: Config, heads: number, { hidden, heads: own }: Dit): number {
  return config.number(WIDTH) ?? (hidden / own) * heads;
}

/** Blocks of each kind: a list's first kind takes what its others leave. */
function countsOf(config: Config, { blocks }: Dit): number[] {
  const containers = [...new Set(blocks.map(({ container }) => container))];
  const totals = [config.number(MAIN_LAYERS), config.number(SINGLE_LAYERS)];
  return blocks.map((kind, index) => {
    const total = totals[containers.indexOf(kind.container)];
    const list = blocks.filter(({ container }) => container === kind.container);
    if (total === undefined || blocks.indexOf(list[0]!) !== index) return kind.count;
    return Math.max(1, total - list.slice(1).reduce((sum, { count }) => sum + count, 0));
  });
}

/** Whether width, heads and layers are those of a catalogue model. */
function hasDimensions(config: Config, { dit }: DitSource): boolean {
  const heads = config.number(HEADS);
  const headWidth = config.number(HEAD_WIDTH);
  const width = config.number(WIDTH) ?? (heads ?? 0) * (headWidth ?? 0);
  const totals = new Map<string, number>();
  for (const { container, count } of dit.blocks) totals.set(container, (totals.get(container) ?? 0) + count);
  const lists = [...totals.values()];
  const wanted = [config.number(MAIN_LAYERS), config.number(SINGLE_LAYERS)].filter(
    (count) => count !== undefined && count > 0,
  );
  const hasCounts = wanted.length > 0 && wanted.every((count) => lists.includes(count!));
  return width === dit.hidden && (heads === undefined || heads === dit.heads) && hasCounts;
}

/**
 * What a configuration says of inputs against a catalogue model: settings that are `otherwise`, and how many agree. A pooled prompt
 * and guidance only rank models, as some classes have the setting without a use for it.
 */
function comparison(config: Config, { dit, outside }: DitSource): { otherwise: string[]; evidence: number } {
  const tensors = [...outside, ...dit.blocks.flatMap(({ segments }) => tensorsOfBlock(segments))];
  const rows = rowsByColumns(tensors);
  const { t, h, w } = dit.patch;
  const agrees = (keys: readonly string[], holds: (value: number) => boolean) => {
    const value = config.number(keys);
    return value === undefined || value === 0
      ? []
      : [{ text: `${keys.find((key) => config.number([key]) === value)} ${value}`, holds: holds(value) }];
  };
  const isInput = (width: number) => rows.has(width);
  const must = [
    ...agrees(IN_CHANNELS, (channels) => isInput(channels) || isInput(channels * t * h * w)),
    ...agrees(INNER_WIDTH, isInput),
    ...agrees(TEXT_WIDTH, isInput),
    ...agrees(IMAGE_WIDTHS, isInput),
    ...agrees(BRANCH_CHANNELS, (channels) => isInput(channels * t * h * w)),
  ];
  const otherwise = must.filter(({ holds }) => !holds).map(({ text }) => text);
  const sides = new Set(outside.flatMap(({ shape }) => shape));
  const may = [...agrees(POOLED_WIDTH, isInput), ...agrees(POSITIONS, (count) => sides.has(count))];
  const embedders = (rows.get(EMBEDDED_FREQUENCIES) ?? 0) / dit.hidden;
  const guides = config.flag('guidance_embeds');
  const guided = guides === undefined || guides === embedders > 1 ? 1 : 0;
  return {
    otherwise,
    evidence: 4 * (must.length - 2 * otherwise.length) + may.filter(({ holds }) => holds).length + guided,
  };
}

const OTHER_CLASSES: readonly [RegExp, string][] = [
  [/ControlNet/, 'a ControlNet'],
  [/Autoencoder|VAE|VQModel/, 'a VAE'],
  [/^UNet|UNet\w*Model$/, 'a U-Net'],
  [/Scheduler$/, 'a scheduler'],
];

function refuseOtherClasses(file: string, config: Config): void {
  const { className, architecture } = config;
  const refuse = (is: string) => {
    throw new UserError(`is the configuration of ${is}, no diffusion transformer; ${REMEDY}`, { file });
  };
  if (className?.endsWith('Pipeline')) refuse(`a pipeline (${className})`);
  const other = OTHER_CLASSES.find(([pattern]) => pattern.test(className ?? ''));
  if (other !== undefined) refuse(`${other[1]} (${className})`);
  if (className === undefined && architecture !== undefined)
    refuse(`a text or image encoder (${architecture})`);
  const saysNothing = config.number(HEADS) === undefined && config.number(WIDTH) === undefined;
  if (className === undefined && saysNothing)
    throw new UserError(`has neither a _class_name nor heads and layers; ${REMEDY}`, { file });
}

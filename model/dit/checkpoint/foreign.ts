import { shown, UserError } from '../../input/userError.ts';
import { matricesOf, sortIntoLayers } from './layerLists.ts';
import type { Weight } from './weights.ts';

/** Rows of a table of tokens: the smallest vocabulary of a text encoder is T5's, with 32 k. */
const VOCABULARY_ROWS = 20_000;
/** Vectors that a modulation matrix makes at the most; such a matrix has as many rows times its columns. */
const MOST_VECTORS = 32;
/** A low-rank factor's short side, at most, and how much longer the other is. */
const MOST_RANK = 512;
const RANK_RATIO = 4;
const ALMOST_ALL = 0.9;
/** Part of the parameters in 3x3 convolutions: a VAE has nearly all there, a U-Net a good part, a transformer none. */
const AUTOENCODER_CONVOLUTIONS = 0.5;
const UNET_CONVOLUTIONS = 0.1;
/** Pixels of an image encoder's patch: 14 or 16; latents are patched by 1 or 2. */
const IMAGE_PATCH = 8;
const COLOURS = 3;

/** What a network is that is no diffusion transformer, with what to do instead. */
export interface Foreign {
  is: string;
  remedy: string;
}

const TRANSFORMER = 'give the checkpoint of the diffusion transformer';

/**
 * Recognises networks that are no diffusion transformer by their structure: a LoRA by matrices that are all low-rank factors, a VAE or
 * U-Net by its convolutions, a text encoder by its table of tokens, an image encoder by its patches of pixels, a ControlNet by lists
 * of bare square matrices, one for each block.
 */
export function foreignNetwork(weights: readonly Weight[]): Foreign | undefined {
  return lora(weights) ?? convolutional(weights) ?? encoder(weights) ?? controlNet(weights);
}

/** @throws UserError that says what the network is and what to give instead. */
export function refuseForeign(file: string, weights: readonly Weight[]): void {
  const foreign = foreignNetwork(weights);
  if (foreign === undefined) return;
  throw new UserError(`is ${foreign.is}, no diffusion transformer; ${foreign.remedy}`, { file });
}

/** A LoRA: low-rank factors, and none of the matrices that they are added to. */
export function lora(weights: readonly Weight[]): Foreign | undefined {
  const matrices = matricesOf(weights).map(({ matrix }) => matrix);
  if (matrices.length < 2) return undefined;
  const factors = matrices.filter(({ rows, columns }) => {
    const [short, long] = [Math.min(rows, columns), Math.max(rows, columns)];
    return short <= MOST_RANK && short * RANK_RATIO <= long;
  });
  const isKronecker = weights.some(({ name }) => /\.lokr_w[12]/.test(name));
  if (factors.length < ALMOST_ALL * matrices.length && !isKronecker) return undefined;
  // Both factors of a pair have the rank as a side.
  const ranks = factors.map(({ rows, columns }) => Math.min(rows, columns));
  const rank = isKronecker ? '' : ` of rank ${Math.max(...ranks)}`;
  return {
    is: `a LoRA${rank} (low-rank factors of ${shown(weights[0]!.name)} and others)`,
    remedy:
      "give the base model's checkpoint: a merged LoRA changes no time, one that is not merged adds its own bytes",
  };
}

function convolutional(weights: readonly Weight[]): Foreign | undefined {
  const all = weights.reduce((sum, { parameters }) => sum + parameters, 0);
  const inConvolutions = weights
    .filter(({ shape }) => shape.length >= 4 && shape.slice(-2).every((side) => side === 3))
    .reduce((sum, { parameters }) => sum + parameters, 0);
  const share = inConvolutions / all;
  if (share > AUTOENCODER_CONVOLUTIONS)
    return { is: 'a VAE (its parameters are in 3x3 convolutions)', remedy: TRANSFORMER };
  if (share > UNET_CONVOLUTIONS)
    return {
      is: `a U-Net (${Math.round(share * 100)} % of its parameters are in 3x3 convolutions)`,
      remedy: TRANSFORMER,
    };
  return undefined;
}

function encoder(weights: readonly Weight[]): Foreign | undefined {
  const names = new Set(weights.map(({ name }) => name));
  const table = matricesOf(weights).find(({ weight, matrix: { rows, columns } }) => {
    const isModulation = rows % columns === 0 && rows / columns <= MOST_VECTORS;
    const hasBias = names.has(weight.name.replace(/weight$/, 'bias'));
    // Tables of positions have a side of 1 before their rows.
    return rows >= VOCABULARY_ROWS && weight.shape.length === 2 && !isModulation && !hasBias;
  });
  if (table !== undefined)
    return {
      is: `a text encoder (${shown(table.weight.name)} is a table of ${table.matrix.rows.toLocaleString('en-US')} tokens)`,
      remedy: TRANSFORMER,
    };
  const patches = weights.find(
    ({ shape }) =>
      shape.length >= 4 && shape[1] === COLOURS && shape.slice(-2).every((side) => side >= IMAGE_PATCH),
  );
  if (patches === undefined) return undefined;
  return {
    is: `an image encoder (${shown(patches.name)} takes patches of pixels)`,
    remedy: TRANSFORMER,
  };
}

/** Each block's output goes through a square matrix of its own, in a list beside the blocks. */
function controlNet(weights: readonly Weight[]): Foreign | undefined {
  const { lists, outside } = sortIntoLayers(weights);
  const blocks = lists.reduce(
    (sum, { runs }) => sum + runs.reduce((own, { layers }) => own + layers.length, 0),
    0,
  );
  const taps = outside.filter(
    ({ name, shape }) => shape.length === 2 && shape[0] === shape[1] && /\.\d+\.weight$/.test(name),
  );
  const lengths = new Map<string, number>();
  for (const { name } of taps) {
    const list = name.replace(/\.\d+\.weight$/, '');
    lengths.set(list, (lengths.get(list) ?? 0) + 1);
  }
  const tapped = [...lengths.values()]
    .filter((length) => length >= 2)
    .reduce((sum, length) => sum + length, 0);
  if (blocks < 2 || tapped < blocks) return undefined;
  const [list] = lengths.keys();
  return {
    is: `a ControlNet (${shown(list)} has a matrix for the output of each of its ${blocks} blocks)`,
    remedy: "give the transformer's checkpoint, or profile the pipeline with both",
  };
}

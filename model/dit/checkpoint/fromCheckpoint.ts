import { basename } from 'node:path';
import { max } from 'simple-statistics';
import { shown, UserError } from '../../input/userError.ts';
import { parametersOf } from '../derive.ts';
import type { Dit, WeightTensor } from '../dit.ts';
import { checkpointBlocks, withoutCommonPrefix } from './checkpointBlocks.ts';
import { GUESS_RULES, guessSegments } from './guessSegments.ts';
import { type CatalogueMatch, matchCatalogue } from './matchCatalogue.ts';
import type { StoredTensor } from './safetensors.ts';

const TEXT_ROWS = 512;
/** Of all lists together; the deepest model of the catalogue has 60. */
const MOST_LAYERS = 1000;

/**
 * A diffusion transformer from the tensors of a checkpoint: names, shapes and dtypes.
 *
 * Where all blocks equal those of a catalogue model, its segments, tokens, text and guidance are used and the
 * checkpoint gives counts and bytes. Otherwise the work is guessed from the names. Either way `assumptions`
 * says so, one sentence for each.
 *
 * @param file only for names and messages.
 * @throws UserError if the tensors form no list of layers.
 */
export function fromCheckpoint(file: string, stored: readonly StoredTensor[]): Dit {
  const empty = stored.find(({ shape }) => shape.includes(0));
  if (empty !== undefined)
    throw new UserError(
      `tensor ${shown(empty.name)}: shape [${empty.shape.join(', ')}] has a side of 0, so it holds no weights; give the checkpoint of the transformer itself`,
      { file },
    );
  const tensors = withoutCommonPrefix(stored);
  const match = matchCatalogue(tensors);
  const id = basename(file).replace(/\.(safetensors|index\.json)$/i, '');
  const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const parameters = parametersOf(tensors.map(weightOf));
  const own = { id, name: id, file, parameterBytes: bytes / parameters };
  const precision =
    new Set(tensors.map(({ dtype }) => dtype)).size > 1
      ? ['Tensors of several dtypes are taken to weigh the average per parameter.']
      : [];
  const dit = match === undefined ? guessed(file, tensors) : matched(match);
  return { ...dit, ...own, assumptions: [...dit.assumptions, ...precision] };
}

function matched({ dit, blocks, exact, others }: CatalogueMatch): Dit {
  return {
    ...dit,
    blocks: dit.blocks.map((block, index) => ({ ...block, count: blocks.kinds[index]!.count })),
    experts: 1,
    outsideParameters: parametersOf(blocks.outside.map(weightOf)),
    assumptions: [
      `Every block has the tensors of ${dit.name}, so its segments, token counts, text rows and guidance are used.`,
      ...(exact
        ? []
        : [`The layer counts or the tensors outside the blocks differ from those of ${dit.name}.`]),
      ...others.map((name) => `${name} fits as well.`),
    ],
  };
}

function guessed(file: string, tensors: readonly StoredTensor[]): Dit {
  const { kinds, outside } = checkpointBlocks(tensors);
  const layers = kinds.reduce((sum, { count }) => sum + count, 0);
  if (layers > MOST_LAYERS)
    throw new UserError(
      `${layers} layers, the first in ${shown(kinds[0]!.container)}, expected at most ${MOST_LAYERS}; is it a diffusion transformer?`,
      { file },
    );
  if (kinds.length === 0) {
    throw new UserError(
      'no list of layers such as blocks.0.attn.to_q.weight with at least two matrices each; give the checkpoint of the transformer itself',
      { file },
    );
  }
  const blocks = kinds.map(({ container, count, tensors: own }, index) => {
    const weights = own.map(weightOf);
    return {
      name: `kind ${index + 1}`,
      container,
      count,
      parameters: parametersOf(weights),
      tensors: weights,
    };
  });
  const guesses = blocks.map((block) => guessSegments(block.tensors));
  const weights = blocks.map(({ count, parameters }) => count * parameters);
  const heaviest = guesses[weights.indexOf(max(weights))]!;
  const hasText = guesses.some((guess) => guess.hasText);
  const input = inputOf(outside);
  return {
    id: '',
    name: '',
    file,
    hidden: heaviest.width,
    heads: heaviest.heads,
    blocks: blocks.map(({ tensors: _, ...block }, index) => ({
      ...block,
      segments: guesses[index]!.segments,
    })),
    experts: 1,
    outsideParameters: parametersOf(outside.map(weightOf)),
    parameterBytes: 2,
    textRows: hasText ? TEXT_ROWS : 0,
    rowMultiple: 1,
    ...input.fields,
    guidance: { evaluations: 1, passes: 1 },
    unproved: 'its work is guessed from the names of its tensors',
    assumptions: [
      'No catalogue model has these blocks, so their work is guessed from tensor names.',
      ...GUESS_RULES,
      `${input.sentence} The pipeline is taken to make one evaluation per step.`,
      hasText
        ? `A prompt is taken to have ${TEXT_ROWS} rows.`
        : 'No tensor speaks of text, so there are no text rows.',
      ...(new Set(kinds.map(({ container }) => container)).size > 1
        ? ['The lists of layers are taken to run in the order in which the file names them.']
        : []),
    ],
  };
}

/** Modality, patch and VAE from the convolution that embeds patches, if there is one. */
function inputOf(outside: readonly StoredTensor[]) {
  const kernel =
    outside.find(({ shape }) => shape.length === 5) ?? outside.find(({ shape }) => shape.length === 4);
  const [channels = 16, ...sides] = kernel?.shape.slice(1) ?? [];
  const video = sides.length === 3;
  const [t = 1, h = 2, w = 2] = video ? sides : [1, ...sides];
  return {
    fields: {
      modality: video ? 'video' : 'image',
      vae: { temporal: video ? 4 : 1, spatial: 8, channels, frames: video ? 'causal' : 'none' },
      patch: { t, h, w },
      referenceSize: video
        ? { width: 1280, height: 720, frames: 81 }
        : { width: 1024, height: 1024, frames: 1 },
    } as const,
    sentence:
      kernel === undefined
        ? 'No patch embedding was recognised, so it is taken for an image model of 2x2 patches and a VAE of 8.'
        : `${kernel.name} is taken to embed ${[t, h, w].join('x')} patches of ${video ? 'video behind a causal VAE of 4 and 8' : 'images behind a VAE of 8'}.`,
  };
}

function weightOf({ name, shape }: StoredTensor): WeightTensor {
  return { name, shape, parameters: shape.reduce((product, side) => product * side, 1) };
}

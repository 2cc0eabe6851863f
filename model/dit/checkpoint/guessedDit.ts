import { max } from 'simple-statistics';
import { bytesOf, parametersOf } from '../derive.ts';
import type { Dit } from '../dit.ts';
import { GUESS_RULES, guessSegments } from './guessSegments.ts';
import { sortIntoLayers } from './layerLists.ts';
import type { Weight } from './weights.ts';

const TEXT_ROWS = 512;

/** A transformer that no catalogue model is like: its work is guessed from the names of its weights, and every guess is said. */
export function guessedDit(file: string, weights: readonly Weight[]): Dit {
  const { lists, outside } = sortIntoLayers(weights);
  const runs = lists.flatMap((list) => list.runs);
  const blocks = runs.map(({ container, layers }, index) => ({
    ...{ name: `kind ${index + 1}`, container, count: layers.length },
    parameters: parametersOf(layers[0]!),
  }));
  const guesses = runs.map(({ layers }) => guessSegments(averaged(layers)));
  const parameters = blocks.map((block) => block.count * block.parameters);
  const heaviest = guesses[parameters.indexOf(max(parameters))]!;
  const hasText = guesses.some((guess) => guess.hasText);
  const input = inputOf(outside);
  return {
    id: '',
    name: '',
    entry: null,
    file,
    hidden: heaviest.width,
    heads: heaviest.heads,
    blocks: blocks.map((block, index) => ({ ...block, segments: guesses[index]!.segments })),
    experts: 1,
    outsideParameters: parametersOf(outside),
    outsideBytes: bytesOf(outside),
    textRows: hasText ? TEXT_ROWS : 0,
    imageRows: 0,
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
      ...(lists.length > 1
        ? ['The lists of layers are taken to run in the order in which the file names them.']
        : []),
    ],
  };
}

/** The first layer's weights with the bytes that a layer has on average. */
function averaged(layers: readonly (readonly Weight[])[]): Weight[] {
  const [first] = layers;
  const share = bytesOf(layers.flat()) / layers.length / bytesOf(first!);
  return first!.map((weight) => ({ ...weight, bytes: weight.bytes * share }));
}

/** Modality, patch and VAE from the convolution that embeds patches, if there is one. */
function inputOf(outside: readonly Weight[]) {
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

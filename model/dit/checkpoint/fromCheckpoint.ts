import { files } from '../../input/files.ts';
import { shown, UserError } from '../../input/userError.ts';
import { loadCatalogue } from '../catalogue.ts';
import { bytesOf, parametersOf } from '../derive.ts';
import type { Dit } from '../dit.ts';
import { foreignNetwork, lora, refuseForeign } from './foreign.ts';
import { guessedDit } from './guessedDit.ts';
import { layerCount, sortIntoLayers } from './layerLists.ts';
import { branchOf, type CatalogueMatch, matchCatalogue } from './matchCatalogue.ts';
import { matchedDit } from './matchedDit.ts';
import { networksOf, pathsUpFrom, under } from './networks.ts';
import type { StoredTensor } from './safetensors.ts';
import { storageNotes, unpackWeights, type Weight } from './weights.ts';

/** Of all lists together; the deepest model of the catalogue has 60. */
const MOST_LAYERS = 1000;

export interface CheckpointOptions {
  /** Id of the catalogue's model that the checkpoint is to be taken for, where several fit or the nearest is not wanted. */
  entry?: string;
  /** Whether all weights are brought into another dtype, so that it does not matter how they are stored. */
  isRecast?: boolean;
}

/**
 * A diffusion transformer from the tensors of a checkpoint: names, shapes and dtypes.
 *
 * Where its blocks have the matrices of a catalogue model, under whatever names, that model's segments, tokens, text and guidance are
 * used, and the checkpoint gives counts and bytes. Otherwise the work is guessed from the names. Either way `assumptions`
 * says so, one sentence for each. Of a whole pipeline's checkpoint the transformer is taken.
 *
 * @param file only for names and messages.
 * @throws UserError if the tensors are no transformer's: those of a LoRA, a VAE, a text encoder, a ControlNet, or no list of layers.
 */
export function fromCheckpoint(
  file: string,
  stored: readonly StoredTensor[],
  { entry, isRecast = false }: CheckpointOptions = {},
): Dit {
  if (stored.length === 0)
    throw new UserError('holds no tensors; give the checkpoint of a transformer', { file });
  const weights = unpackWeights(file, stored);
  if (lora(weights) !== undefined) refuseForeign(file, weights);
  const found = transformerOf(file, weights, entry);
  const id = files.nameOf(file).replace(/\.(safetensors|gguf|json|index\.json)$/i, '');
  const dit =
    found.match === undefined ? guessedDit(file, found.weights) : matchedDit(file, found.match, entry);
  return {
    ...{ ...dit, id, name: id, file },
    assumptions: [
      ...dit.assumptions,
      ...besideNote(found, weights),
      ...(isRecast ? [] : storageNotes(found.weights)),
    ],
  };
}

/** The transformer among a checkpoint's networks, its weights named from its own path on. */
interface Found {
  path: readonly string[];
  weights: readonly Weight[];
  match: CatalogueMatch | undefined;
}

function transformerOf(file: string, weights: readonly Weight[], entry: string | undefined): Found {
  const networks = networksOf(weights);
  if (networks.length === 0) {
    refuseForeign(file, weights);
    throw new UserError(
      'no list of layers such as blocks.0.attn.to_q.weight with at least two matrices each; give the checkpoint of the transformer itself',
      { file },
    );
  }
  const { lists } = sortIntoLayers(weights);
  const deepest = lists.reduce((sum, list) => sum + layerCount(list), 0);
  if (deepest > MOST_LAYERS)
    throw new UserError(
      `${deepest} layers, the first in ${shown(lists[0]!.container)}, expected at most ${MOST_LAYERS}; is it a diffusion transformer?`,
      { file },
    );
  const best = networks
    .flatMap(({ path }) => pathsUpFrom(path))
    .map((path): Found => {
      const own = under(weights, path);
      return { path, weights: own, match: matchCatalogue(own, entry) };
    })
    .filter(({ match }) => match !== undefined)
    .sort((a, b) => b.match!.score - a.match!.score)
    .at(0);
  if (best !== undefined) {
    if (best.match!.differences.length > 0) {
      refuseForeign(file, best.weights);
      refuseBranch(file, best);
      refusePart(file, best.match!);
    }
    return best;
  }
  if (entry !== undefined)
    throw new UserError(
      `--entry ${entry}: the checkpoint's blocks have not the matrices of ${loadCatalogue(entry).dit.name}; leave it out`,
      { file },
    );
  return unmatched(file, weights, networks);
}

/** A checkpoint that lacks most of a model's blocks is not that model with fewer of them. */
function refusePart(file: string, { dit, missing }: CatalogueMatch): void {
  const parameters = (kinds: Dit['blocks']) =>
    kinds.reduce((sum, { count, parameters: own }) => sum + count * own, 0);
  if (parameters(missing) <= parameters(dit.blocks) / 2) return;
  const lacks = missing.map(({ name, count }) => `the ${count} blocks of kind ${name}`).join(' and ');
  throw new UserError(`is a part of ${dit.name} that lacks ${lacks}; give the whole checkpoint`, { file });
}

function refuseBranch(file: string, { weights, match }: Pick<Found, 'weights' | 'match'>): void {
  const isComplete = match?.blocks.some(({ extra }) => extra.length === 0) ?? false;
  const model = isComplete ? undefined : branchOf(weights);
  if (model === undefined) return;
  throw new UserError(
    `is a branch (VACE or a ControlNet) of ${model.name} without that model, no diffusion transformer; give a checkpoint that holds both`,
    { file },
  );
}

/** The heaviest network that is of no other kind, with what stands beside it under its path. */
function unmatched(
  file: string,
  weights: readonly Weight[],
  networks: readonly { path: readonly string[] }[],
): Found {
  const whole = networks.map(({ path }): Found => {
    const up = pathsUpFrom(path).map((own) => ({
      path: own,
      weights: under(weights, own),
      match: undefined,
    }));
    const isAlone = (own: readonly string[]) =>
      networks.every(({ path: other }) => other === path || !own.every((part, at) => other[at] === part));
    // All that stands under the shortest path that no other network is under, named from the longest such path on.
    const all = up.findLast((one) => isAlone(one.path)) ?? up[0]!;
    return up.find((one) => one.weights.length === all.weights.length)!;
  });
  const candidates = whole.filter((network) => foreignNetwork(network.weights) === undefined);
  const heaviest = candidates.sort((a, b) => bytesOf(b.weights) - bytesOf(a.weights)).at(0);
  if (heaviest !== undefined) {
    refuseBranch(file, heaviest);
    return heaviest;
  }
  refuseForeign(file, whole[0]!.weights);
  throw new Error('unreachable: a network of another kind is refused');
}

/** A sentence on the other networks of the file. */
function besideNote({ path, weights }: Found, all: readonly Weight[]): string[] {
  const beside = parametersOf(all) - parametersOf(weights);
  if (beside === 0) return [];
  const others = [
    ...new Set(
      all.flatMap(({ name }) => {
        const parts = name.split('.');
        return path.every((part, at) => part === parts[at]) ? [] : [parts.slice(0, 1).join('.')];
      }),
    ),
  ];
  return [
    `The file holds other networks too (${others.slice(0, 4).join(', ')}; ${(beside / 1e9).toFixed(2)} G parameters): only the transformer under ${path.join('.')} is counted.`,
  ];
}

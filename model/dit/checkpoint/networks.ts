import { type LayerList, sortIntoLayers } from './layerLists.ts';
import type { Weight } from './weights.ts';

/** One network of a checkpoint: the attribute path under which its lists of layers stand. */
export interface Network {
  path: readonly string[];
}

/**
 * The networks of a checkpoint. A checkpoint of a whole pipeline has its text encoders' layers under other paths than the
 * transformer's; a list inside of another part of the same network, such as a token refiner, stands under that network's path.
 */
export function networksOf(weights: readonly Weight[]): Network[] {
  const { lists } = sortIntoLayers(weights);
  const parents = lists.map(({ container }: LayerList) => container.split('.').slice(0, -1));
  const isInside = (path: readonly string[], other: readonly string[]) =>
    other.length <= path.length && other.every((part, index) => part === path[index]);
  const shortest = parents.filter(
    (path, at) =>
      parents.every((other, index) => index === at || !isInside(path, other) || isInside(other, path)) &&
      parents.findIndex((other) => isInside(path, other) && isInside(other, path)) === at,
  );
  return shortest.map((path) => ({ path }));
}

/** Weights under an attribute path, with names that begin behind it. */
export function under(weights: readonly Weight[], path: readonly string[]): Weight[] {
  const prefix = path.map((part) => `${part}.`).join('');
  return weights.flatMap((weight) =>
    weight.name.startsWith(prefix) ? [{ ...weight, name: weight.name.slice(prefix.length) }] : [],
  );
}

/** A path and all paths above it, the longest first. */
export function pathsUpFrom(path: readonly string[]): (readonly string[])[] {
  return [...path.keys(), path.length].reverse().map((length) => path.slice(0, length));
}

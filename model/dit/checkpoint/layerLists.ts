import { max } from 'simple-statistics';
import { type Matrix, matrixOf } from './blockMatrices.ts';
import type { Weight } from './weights.ts';

/** Neighbouring layers of one list whose matrices are alike; names of weights are those within a layer. */
export interface LayerRun {
  container: string;
  layers: readonly (readonly Weight[])[];
}

/** A list of layers under one attribute path, in index order. */
export interface LayerList {
  container: string;
  runs: readonly LayerRun[];
}

/** A network's weights, sorted into lists of layers and the rest, which keep their names. */
export interface SortedWeights {
  lists: readonly LayerList[];
  outside: readonly Weight[];
}

/** Weights of one list with their place in it. */
interface Placed {
  container: string;
  index: number;
  name: string;
}

/**
 * Sorts weights named `<container>.<index>.<weight>` into lists of layers. Lists come in the order in which their first weight does.
 *
 * A list whose layers are numbered in their names, as `blocks.block0`, counts as well. Not every number in a name counts layers: an embedder's `mlp.0.weight` is a step of a Sequential. A layer has
 * at least two matrices that are named inside of it, and the indices run from 0 without a gap.
 */
export function sortIntoLayers(named: readonly Weight[]): SortedWeights {
  const weights = withNumberedParts(named);
  const containers = listContainers(weights);
  const layers = new Map<string, Weight[][]>();
  const outside: Weight[] = [];
  for (const weight of weights) {
    const place = placeOf(weight.name);
    if (place === undefined || !containers.has(place.container)) {
      outside.push(weight);
      continue;
    }
    const list = layers.get(place.container) ?? [];
    layers.set(place.container, list);
    list[place.index] ??= [];
    list[place.index]!.push({ ...weight, name: place.name });
  }
  const lists = [...layers].map(([container, list]) => ({ container, runs: runsOf(container, list) }));
  return { lists, outside };
}

/** Weights of the lists with the names that the file has for them. */
export function withFullNames({ container, runs }: LayerList): Weight[] {
  return runs
    .flatMap(({ layers }) => layers)
    .flatMap((layer, index) =>
      layer.map((weight) => ({ ...weight, name: `${container}.${index}.${weight.name}` })),
    );
}

export function layerCount({ runs }: LayerList): number {
  return runs.reduce((sum, { layers }) => sum + layers.length, 0);
}

/** Weights that are matrices, with their sides. */
export function matricesOf(weights: readonly Weight[]): { weight: Weight; matrix: Matrix }[] {
  return weights.flatMap((weight) => {
    const matrix = matrixOf(weight.shape);
    return matrix === undefined ? [] : [{ weight, matrix }];
  });
}

/** A part of a path such as `block12`. */
const NUMBERED = /^([A-Za-z]+)_?(\d{1,5})$/;
/** Fewer parts that differ in their number are those of a module, such as `norm1` and `norm2`. */
const FEWEST_NUMBERED = 8;

/** Names in which layers that are called by their number, `blocks.block12.attn`, are `blocks.block.12.attn`. */
function withNumberedParts(weights: readonly Weight[]): readonly Weight[] {
  const numbers = new Map<string, Set<number>>();
  const keyOf = (parts: readonly string[], at: number, stem: string) =>
    [...parts.slice(0, at), stem].join('.');
  for (const { name } of weights) {
    const parts = name.split('.');
    parts.slice(0, -2).forEach((part, at) => {
      const [, stem, number] = NUMBERED.exec(part) ?? [];
      if (stem === undefined) return;
      const key = keyOf(parts, at, stem);
      numbers.set(key, (numbers.get(key) ?? new Set()).add(Number(number)));
    });
  }
  const isList = (found: Set<number> | undefined) =>
    found !== undefined && found.size >= FEWEST_NUMBERED && max([...found]) === found.size - 1;
  if (![...numbers.values()].some(isList)) return weights;
  return weights.map((weight) => {
    const parts = weight.name.split('.');
    const renamed = parts.map((part, at) => {
      const [, stem, number] = NUMBERED.exec(part) ?? [];
      return stem !== undefined && isList(numbers.get(keyOf(parts, at, stem))) ? `${stem}.${number}` : part;
    });
    return { ...weight, name: renamed.join('.') };
  });
}

function placeOf(name: string): Placed | undefined {
  const match = /^(.*?)\.(\d{1,5})\.(.+)$/.exec(name);
  if (match === null) return undefined;
  return { container: match[1]!, index: Number(match[2]), name: match[3]! };
}

function listContainers(weights: readonly Weight[]): Set<string> {
  const matrices = new Map<string, Map<number, number>>();
  for (const { name, shape } of weights) {
    const place = placeOf(name);
    if (place === undefined) continue;
    const perIndex = matrices.get(place.container) ?? new Map<number, number>();
    matrices.set(place.container, perIndex);
    const isNamedMatrix = shape.length === 2 && place.name.includes('.');
    perIndex.set(place.index, (perIndex.get(place.index) ?? 0) + (isNamedMatrix ? 1 : 0));
  }
  const isList = (perIndex: Map<number, number>) =>
    [...perIndex.values()].every((count) => count >= 2) && max([...perIndex.keys()]) === perIndex.size - 1;
  return new Set([...matrices].filter(([, perIndex]) => isList(perIndex)).map(([container]) => container));
}

function runsOf(container: string, list: readonly Weight[][]): LayerRun[] {
  const runs: { layers: Weight[][]; key: string }[] = [];
  for (const layer of list) {
    const key = matricesOf(layer)
      .map(({ matrix }) => `${matrix.rows}x${matrix.columns}`)
      .sort()
      .join();
    const last = runs.at(-1);
    if (last?.key === key) last.layers.push(layer);
    else runs.push({ layers: [layer], key });
  }
  return runs.map(({ layers }) => ({ container, layers }));
}

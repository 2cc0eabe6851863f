import { max } from 'simple-statistics';
import type { StoredTensor } from './safetensors.ts';

/** Neighbouring layers of one container that hold equal tensors; tensor names are those within a layer. */
export interface CheckpointKind {
  container: string;
  count: number;
  tensors: readonly StoredTensor[];
}

/** A checkpoint's tensors, sorted into layer lists and the rest. */
export interface CheckpointBlocks {
  kinds: readonly CheckpointKind[];
  outside: readonly StoredTensor[];
}

/**
 * Sorts tensors named `<container>.<index>.<tensor>` into kinds of equal layers, in index order. Containers come
 * in the order in which their first tensor does.
 *
 * Not every number in a name counts layers: an embedder's `mlp.0.weight` is a step of a Sequential. A layer has
 * at least two named matrices inside, and the indices run from 0 without a gap. Pass `containers` to fix the
 * lists instead of finding them.
 */
export function checkpointBlocks(
  stored: readonly StoredTensor[],
  containers?: ReadonlySet<string>,
): CheckpointBlocks {
  const layers = new Map<string, StoredTensor[][]>();
  const outside: StoredTensor[] = [];
  const names = containers ?? layerLists(stored);
  for (const tensor of stored) {
    const part = partsOf(tensor.name);
    if (part === undefined || !names.has(part.container)) {
      outside.push(tensor);
      continue;
    }
    const list = layers.get(part.container) ?? [];
    layers.set(part.container, list);
    list[part.index] ??= [];
    list[part.index]!.push({ ...tensor, name: part.tensor });
  }
  const kinds = [...layers].flatMap(([container, list]) =>
    runs(list).map(({ count, tensors }) => ({ container, count, tensors })),
  );
  return { kinds, outside };
}

/** Equal exactly when names and shapes are; dtypes may differ. */
export function signature(tensors: readonly { name: string; shape: readonly number[] }[]): string {
  return tensors
    .map(({ name, shape }) => `${name}:${shape.join(',')}`)
    .sort()
    .join('\n');
}

/** The stored names without what all of them begin with, such as `model.diffusion_model.` of a whole pipeline. */
export function withoutCommonPrefix(stored: readonly StoredTensor[]): StoredTensor[] {
  const paths = stored.map(({ name }) => name.split('.'));
  let depth = 0;
  const shared = () => paths.every((path) => path.length > depth + 1 && path[depth] === paths[0]![depth]);
  // A component that numbers follow is a layer list, and it stays.
  const layers = () => paths.every((path) => /^\d+$/.test(path[depth + 1] ?? ''));
  while (paths.length > 1 && shared() && !layers()) depth++;
  return stored.map((tensor, index) => ({ ...tensor, name: paths[index]!.slice(depth).join('.') }));
}

/** Every name that a list of layers may have: what stands before the first number of a tensor's name. */
export function containersOf(stored: readonly StoredTensor[]): Set<string> {
  return new Set(stored.flatMap(({ name }) => partsOf(name)?.container ?? []));
}

function partsOf(name: string): { container: string; index: number; tensor: string } | undefined {
  const match = /^(.*?)\.(\d{1,5})\.(.+)$/.exec(name);
  if (match === null) return undefined;
  return { container: match[1]!, index: Number(match[2]), tensor: match[3]! };
}

function layerLists(stored: readonly StoredTensor[]): Set<string> {
  const matrices = new Map<string, Map<number, number>>();
  for (const { name, shape } of stored) {
    const part = partsOf(name);
    if (part === undefined) continue;
    const perIndex = matrices.get(part.container) ?? new Map<number, number>();
    matrices.set(part.container, perIndex);
    const isNamedMatrix = shape.length === 2 && part.tensor.includes('.');
    perIndex.set(part.index, (perIndex.get(part.index) ?? 0) + (isNamedMatrix ? 1 : 0));
  }
  const isLayerList = (perIndex: Map<number, number>) =>
    [...perIndex.values()].every((count) => count >= 2) && max([...perIndex.keys()]) === perIndex.size - 1;
  return new Set(
    [...matrices].filter(([, perIndex]) => isLayerList(perIndex)).map(([container]) => container),
  );
}

function runs(layers: readonly StoredTensor[][]): { count: number; tensors: StoredTensor[] }[] {
  const found: { count: number; tensors: StoredTensor[]; signature: string }[] = [];
  // Array.from turns holes, which only a fixed container list allows, into empty layers.
  for (const tensors of Array.from(layers, (layer) => layer ?? [])) {
    const last = found.at(-1);
    const own = signature(tensors);
    if (last?.signature === own) last.count++;
    else found.push({ count: 1, tensors, signature: own });
  }
  return found;
}

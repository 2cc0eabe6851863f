import { arithmetic, shape } from '../input/arithmetic.ts';
import type { Names } from '../input/plainArithmetic.ts';
import { shown, UserError } from '../input/userError.ts';
import { checked, placed, type YamlFile } from '../input/yamlFile.ts';
import { expandBraces } from './braces.ts';
import { type Dit, type DitBlockKind, type DitSegment, ROWS, type WeightTensor } from './dit.ts';
import { ditFormat, type WrittenBlock, type WrittenDit, type WrittenSegment } from './format.ts';
import { elementwiseOpByName, gemmOpByName } from './opByName.ts';
import { ROPE_AXES, type Rope } from './rope.ts';
import { elementwiseFacts, modulationSources, refuseForeignFacts } from './segmentFacts.ts';
import { parseImageSize, parseSize } from './tokens.ts';

type Path = readonly PropertyKey[];
type WrittenTensors = WrittenDit['outside'];

/** What the sides of tensors are expressions in, and the bytes of one parameter. */
interface Scope {
  names: Names;
  parameterBytes: number;
}

/** A model with what the Dit type leaves out: the tensors outside the blocks, of one expert. */
export interface DitSource {
  dit: Dit;
  outside: readonly WeightTensor[];
}

/** Dimensions and counts of a relative of a model, in place of its own. */
export interface OtherDimensions {
  /** By name; those that the model does not have are not looked at. */
  dimensions: Readonly<Record<string, number>>;
  /** Blocks of each kind. */
  counts: readonly number[];
}

/**
 * A diffusion transformer from its YAML: every number that follows from the architecture is worked out here.
 *
 * @throws UserError with the place in the file: an unknown key, an expression that is no arithmetic in the
 * model's dimensions, a tensor named twice in one block.
 */
export function derive(source: YamlFile, other?: OtherDimensions): DitSource {
  const written = withOther(checked(source, ditFormat), other);
  const names = dimensionsOf(source, written);
  const scope: Scope = { names, parameterBytes: written.parameterBytes ?? 2 };
  const number = (path: Path, value: string | number) => wholeNumber(source, path, value, names);
  if ((written.modality === 'image') !== (written.vae.frames === 'none')) {
    const expected = written.modality === 'image' ? 'none for images' : 'causal or segments for video';
    throw new UserError(
      `vae.frames: expected ${expected}, got ${shown(written.vae.frames)}`,
      source.place(['vae', 'frames']),
    );
  }
  const hidden = number(['hidden'], written.hidden);
  const outside = tensorsOf(source, ['outside'], written.outside, scope);
  refuseTwice(source, ['outside'], outside);
  const dit: Dit = {
    id: written.id,
    name: written.name,
    entry: written.id,
    modality: written.modality,
    file: source.file,
    hidden,
    heads: names.heads!,
    blocks: written.blocks.map((block, index) => blockOf(source, ['blocks', index], block, scope, hidden)),
    experts: written.experts ?? 1,
    outsideParameters: parametersOf(outside),
    outsideBytes: bytesOf(outside),
    textRows: written.text.rows,
    imageRows: written.image?.rows ?? 0,
    rowMultiple: written.rowMultiple ?? 1,
    vae: written.vae,
    patch: written.patch,
    ...(written.audio === undefined ? {} : { audio: written.audio }),
    ...(written.rope === undefined
      ? {}
      : { rope: ropeOf(source, written.rope, names, number(['hidden'], written.hidden) / names.heads!) }),
    ...(written.referenceImages === undefined
      ? {}
      : {
          referenceImages: written.referenceImages.map((size, index) =>
            placed(source, ['referenceImages', index], () => parseImageSize(size)),
          ),
        }),
    guidance: written.guidance,
    referenceSize: placed(source, ['referenceSize'], () => parseSize(written.referenceSize)),
    unproved: written.unproved ?? null,
    assumptions: [],
  };
  return { dit, outside };
}

/** A model's description with other dimensions; heads of another width have no rope that it could tell. */
function withOther(written: WrittenDit, other: OtherDimensions | undefined): WrittenDit {
  if (other === undefined) return written;
  const names = Object.keys(written.dimensions).filter((name) => Object.hasOwn(other.dimensions, name));
  const dimensions = { ...written.dimensions };
  for (const name of names) dimensions[name] = other.dimensions[name]!;
  const { rope, ...rest } = written;
  const isSameHead = Number(written.dimensions.headDim) === Number(dimensions.headDim);
  return {
    ...{ ...rest, dimensions },
    ...(isSameHead && rope !== undefined && { rope }),
    blocks: written.blocks.map((block, index) => ({ ...block, count: other.counts[index]! })),
  };
}

function ropeOf(
  source: YamlFile,
  written: NonNullable<WrittenDit['rope']>,
  names: Names,
  headDim: number,
): Rope {
  const value = (path: Path, text: string | number) =>
    placed(source, ['rope', ...path], () => {
      const result = arithmetic(text, names);
      if (Number.isFinite(result) && result > 0) return result;
      throw new UserError(`${shown(text)} is ${result}, expected a number above 0`);
    });
  const each = <Key extends string>(path: Path, keys: readonly Key[], of: Record<Key, string | number>) =>
    Object.fromEntries(keys.map((key) => [key, value([...path, key], of[key])])) as Record<Key, number>;
  const { theta, axes, positions, stretch, framesPerSecond, text } = written;
  const isFractional = typeof positions === 'object' && 'fractional' in positions;
  if (isFractional !== (axes === undefined)) {
    throw new UserError(
      isFractional
        ? 'rope.axes: fractional positions deal out all elements equally; leave it away'
        : 'rope.axes: missing; expected how many elements of a head turn by frame, height and width',
      source.place(['rope']),
    );
  }
  let turned = 0;
  for (const axis of axes === undefined ? [] : ROPE_AXES) {
    const dims = wholeNumber(source, ['rope', 'axes', axis], axes![axis], names);
    turned += dims;
    if (dims % 2 === 0) continue;
    throw new UserError(
      `rope.axes.${axis}: is ${dims}, expected an even number: elements turn in pairs`,
      source.place(['rope', 'axes', axis]),
    );
  }
  if (axes !== undefined && turned !== headDim) {
    throw new UserError(
      `rope.axes: turn ${turned} elements, but a head has ${headDim} (hidden / heads)`,
      source.place(['rope', 'axes']),
    );
  }
  return {
    theta: value(['theta'], theta),
    axes: each(['axes'], ROPE_AXES, axes ?? { frame: 2, height: 2, width: 2 }),
    positions:
      typeof positions === 'string'
        ? { kind: positions }
        : 'fitted' in positions
          ? { kind: 'fitted', ...each(['positions', 'fitted'], ['height', 'width'], positions.fitted) }
          : {
              kind: 'fractional',
              ...each(['positions', 'fractional'], ['seconds', 'height', 'width'], positions.fractional),
            },
    stretch: each(['stretch'], ROPE_AXES, stretch ?? { frame: 1, height: 1, width: 1 }),
    ...(framesPerSecond === undefined ? {} : { framesPerSecond }),
    ...(text === undefined ? {} : { text }),
  };
}

/** Parameters of some tensors together. */
export function parametersOf(tensors: readonly WeightTensor[]): number {
  return tensors.reduce((sum, tensor) => sum + tensor.parameters, 0);
}

/** Bytes of some tensors together. */
export function bytesOf(tensors: readonly WeightTensor[]): number {
  return tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
}

/** The tensors that a block of this kind owns, in the order in which its segments use them. */
export function tensorsOfBlock(segments: readonly DitSegment[]): WeightTensor[] {
  return segments.flatMap((segment) => ('tensors' in segment ? segment.tensors : []));
}

function dimensionsOf(source: YamlFile, written: WrittenDit): Names {
  const names: Record<string, number> = { channels: written.vae.channels };
  for (const [name, value] of Object.entries(written.dimensions)) {
    const path = ['dimensions', name];
    if (!/^[A-Za-z][A-Za-z0-9]*$/.test(name) || Object.hasOwn(names, name)) {
      throw new UserError(
        `dimensions.${name}: expected a name of letters and digits that is not in use, such as textWidth`,
        source.place(path),
      );
    }
    names[name] = wholeNumber(source, path, value, names);
  }
  return names;
}

function blockOf(
  source: YamlFile,
  path: Path,
  written: WrittenBlock,
  scope: Scope,
  hidden: number,
): DitBlockKind {
  const segments = written.segments.map((segment, index) =>
    segmentOf(source, [...path, 'segments', index], segment, scope, hidden),
  );
  const tensors = tensorsOfBlock(segments);
  refuseTwice(source, path, tensors);
  const { name, container, count } = written;
  return { name, container, count, segments, parameters: parametersOf(tensors) };
}

function segmentOf(
  source: YamlFile,
  path: Path,
  written: WrittenSegment,
  scope: Scope,
  hidden: number,
): DitSegment {
  const number = (key: string, value: string | number) =>
    wholeNumber(source, [...path, key], value, scope.names);
  if ('exchange' in written) {
    const { exchange: direction, attention, rows, kvRows = rows } = written;
    const width = number('width', written.width);
    return {
      kind: 'exchange',
      name: `${attention} exchange ${direction}`,
      direction,
      attention,
      rows,
      kvRows,
      width,
      kvWidth: written.kvWidth === undefined ? width : number('kvWidth', written.kvWidth),
    };
  }
  if ('attention' in written) {
    const { attention: name, q, kv } = written;
    return { kind: 'attention', name, q, kv, width: number('width', written.width) };
  }
  if ('elementwise' in written) {
    const tensors = tensorsOf(source, [...path, 'weights'], written.weights ?? {}, scope);
    return {
      kind: 'elementwise',
      name: written.elementwise,
      ...placed(source, path, () => {
        const op = written.op ?? elementwiseOpByName(written.elementwise);
        refuseForeignFacts(op, written);
        return { op, facts: elementwiseFacts(written, tensors, hidden) };
      }),
      touches: ROWS.flatMap((rows) => {
        const elements = written.touches[rows];
        return elements === undefined ? [] : [{ rows, elements: number('touches', elements) }];
      }),
      tensors,
    };
  }
  const perRows = ROWS.map((rows) => ({
    rows,
    tensors: tensorsOf(source, [...path, rows], written[rows] ?? {}, scope),
  }));
  const tensors = perRows.flatMap(({ tensors: own }) => own);
  const { routed } = written;
  if (routed !== undefined && routed.active > routed.experts) {
    throw new UserError(
      `routed.active: expected at most the ${routed.experts} experts, got ${routed.active}`,
      source.place([...path, 'routed', 'active']),
    );
  }
  return {
    kind: 'gemm',
    name: written.gemm,
    ...placed(source, path, () => {
      const op = written.op ?? gemmOpByName(written.gemm);
      refuseForeignFacts(op, written);
      return {
        op,
        input: written.input ?? 'normed',
        modulation: modulationSources(written.modulation ?? [], tensors, hidden),
      };
    }),
    ...(routed === undefined ? {} : { routed }),
    // Only matrices do work; a bias beside them is a parameter and no more.
    products: perRows.flatMap(({ rows, tensors: own }) =>
      own
        .filter((tensor) => tensor.shape.length === 2)
        .map((tensor) => ({ rows, in: tensor.shape[1]!, out: tensor.shape[0]! })),
    ),
    tensors,
    reduces: ROWS.flatMap((rows) => {
      const width = written.reduces?.[rows];
      return width === undefined ? [] : [{ rows, width: number('reduces', width) }];
    }),
  };
}

function tensorsOf(
  source: YamlFile,
  path: Path,
  written: WrittenTensors,
  { names, parameterBytes }: Scope,
): WeightTensor[] {
  return Object.entries(written).flatMap(([name, sides]) =>
    placed(source, [...path, name], () => {
      const dimensions = shape(`[${sides.join(', ')}]`, names);
      const parameters = dimensions.reduce((product, side) => product * side, 1);
      const bytes = parameters * parameterBytes;
      return expandBraces(name).map((expanded) => ({ name: expanded, shape: dimensions, parameters, bytes }));
    }),
  );
}

function wholeNumber(source: YamlFile, path: Path, value: string | number, names: Names): number {
  return placed(source, path, () => {
    const result = arithmetic(value, names);
    if (Number.isSafeInteger(result) && result >= 1) return result;
    throw new UserError(`${shown(value)} is ${result}, expected a whole number of at least 1`);
  });
}

function refuseTwice(source: YamlFile, path: Path, tensors: readonly WeightTensor[]): void {
  const seen = new Set<string>();
  for (const { name } of tensors) {
    if (seen.has(name)) {
      throw new UserError(
        `${path.map(String).join('.')}: the tensor ${shown(name)} is named twice; it belongs to one segment`,
        source.place(path),
      );
    }
    seen.add(name);
  }
}

import type { DitSegment, WeightTensor } from '../dit.ts';

/** A weight of two sides or more as a matrix product sees it: a convolution's inputs are its channels times its kernel. */
export interface Matrix {
  rows: number;
  columns: number;
}

/** Matrices that one fused matrix may stand for, or that may be parts of it: of one segment, over the same rows. */
export interface FusionGroup {
  columns: number;
  /** Rows of each matrix that the catalogue has. */
  parts: readonly number[];
  /** Whether a matrix of the catalogue may be stored in pieces, as Q, K and V of a fused projection are. */
  divides: boolean;
}

/** The matrix of a shape without sides of 1; nothing for vectors and scalars. */
export function matrixOf(shape: readonly number[]): Matrix | undefined {
  const [rows, ...rest] = shape.filter((side) => side !== 1);
  if (rows === undefined || rest.length === 0) return undefined;
  return { rows, columns: rest.reduce((product, side) => product * side, 1) };
}

/**
 * The matrices of a block, grouped by what checkpoints fuse: Q, K and V, K and V of a cross-attention, gate and input of an MLP. Each
 * modulation matrix makes a fixed number of vectors, so six square projections are never taken for one.
 *
 * An output projection of attention and MLP together is one matrix in most checkpoints and two in some, hence two variants.
 */
export function fusionGroups(segments: readonly DitSegment[]): FusionGroup[][] {
  const whole = segments.flatMap((segment) => groupsOf(segment, false));
  const hasJoined = segments.some((segment) => segment.kind === 'gemm' && segment.op === 'attention-mlp-out');
  return hasJoined ? [whole, segments.flatMap((segment) => groupsOf(segment, true))] : [whole];
}

function groupsOf(segment: DitSegment, dividesColumns: boolean): FusionGroup[] {
  if (segment.kind === 'elementwise')
    return segment.tensors.flatMap(({ shape }) => {
      const matrix = matrixOf(shape);
      return matrix === undefined ? [] : [{ columns: matrix.columns, parts: [matrix.rows], divides: false }];
    });
  if (segment.kind !== 'gemm') return [];
  const groups = new Map<string, { columns: number; parts: number[]; divides: boolean }>();
  for (const [rowsKind, { rows, columns }] of matricesOf(segment)) {
    const key = `${rowsKind} ${columns}`;
    const group = groups.get(key) ?? { columns, parts: [], divides: segment.op !== 'modulation' };
    groups.set(key, group);
    group.parts.push(rows);
  }
  const found = [...groups.values()];
  if (!dividesColumns || segment.op !== 'attention-mlp-out') return found;
  return found.flatMap((group) => columnParts(group));
}

/** The attention's output [d, d] beside the MLP's [d, f], in place of [d, d + f]. */
function columnParts({ columns, parts, divides }: FusionGroup): FusionGroup[] {
  const [width = 0] = parts;
  return [
    { columns: width, parts, divides },
    { columns: columns - width, parts, divides },
  ];
}

/** Matrices of a segment with the kind of rows that they multiply; products stand in the order of their tensors. */
function matricesOf(segment: Extract<DitSegment, { kind: 'gemm' }>): [string, Matrix][] {
  let product = 0;
  return segment.tensors.flatMap((tensor: WeightTensor): [string, Matrix][] => {
    const rowsKind = tensor.shape.length === 2 ? segment.products[product++]!.rows : '';
    const matrix = matrixOf(tensor.shape);
    return matrix === undefined ? [] : [[rowsKind, matrix]];
  });
}

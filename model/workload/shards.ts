import type { DitSegment, WeightTensor } from '../dit/dit.ts';

/** How tensor parallelism divides a parameter tensor: by output rows, by input columns, or not at all. */
export type ShardLayout = 'whole' | 'rows' | 'columns';

/**
 * How a segment's tensor is divided over tensor-parallel ranks, as Megatron does it: matrices whose outputs are summed
 * afterwards (`reduces`) by input columns, other matrices and their biases by output rows; norms, tables, biases behind a
 * sum and the modulation of a conditioning vector (rows `c`) stay whole on every rank.
 */
export function shardLayout(segment: DitSegment, tensor: WeightTensor): ShardLayout {
  if (segment.kind !== 'gemm' || segment.products.every((product) => product.rows === 'c')) return 'whole';
  const summed = segment.reduces.length > 0;
  if (tensor.shape.length === 2) return summed ? 'columns' : 'rows';
  return summed ? 'whole' : 'rows';
}

/** Bytes of a tensor that one of `tp` ranks holds. */
export function shardBytes(segment: DitSegment, tensor: WeightTensor, tp: number): number {
  return shardLayout(segment, tensor) === 'whole' ? tensor.bytes : tensor.bytes / tp;
}

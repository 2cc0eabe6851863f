import type { DitSegment, WeightTensor } from '../dit.ts';
import { matrixOf } from './blockMatrices.ts';
import type { Weight } from './weights.ts';

/** Bytes of a parameter by what it is part of. */
interface Densities {
  /** Of matrices, by their columns: whatever is fused, their parameters are the same. */
  matrices: ReadonlyMap<number, number>;
  vectors: number;
}

/**
 * Segments of a catalogue model's block with the bytes that a checkpoint's layers have. Stored and catalogued matrices need not be
 * the same ones, but those of equal columns have equally many parameters, so each such group keeps its bytes; a block has the
 * average of its layers.
 *
 * @param layers all layers that the block stands for, each with equal matrices.
 */
export function weigh(segments: readonly DitSegment[], layers: readonly (readonly Weight[])[]): DitSegment[] {
  const densities = densitiesOf(segments, layers);
  return segments.map((segment) =>
    'tensors' in segment
      ? { ...segment, tensors: segment.tensors.map((tensor) => weighed(tensor, densities)) }
      : segment,
  );
}

function weighed(tensor: WeightTensor, { matrices, vectors }: Densities): WeightTensor {
  const matrix = matrixOf(tensor.shape);
  if (matrix === undefined) return { ...tensor, bytes: tensor.parameters * vectors };
  const { rows, columns } = matrix;
  // Stored as two matrices, [rows, rows] and the rest of the columns.
  const inner = columns - rows;
  const density =
    matrices.get(columns) ?? (matrices.get(rows)! * rows + matrices.get(inner)! * inner) / columns;
  return { ...tensor, bytes: tensor.parameters * density };
}

function densitiesOf(segments: readonly DitSegment[], layers: readonly (readonly Weight[])[]): Densities {
  const matrices = new Map<number, { parameters: number; bytes: number }>();
  let vectorBytes = 0;
  for (const { shape, parameters, bytes } of layers.flat()) {
    const columns = matrixOf(shape)?.columns;
    if (columns === undefined) {
      vectorBytes += bytes;
      continue;
    }
    const group = matrices.get(columns) ?? { parameters: 0, bytes: 0 };
    matrices.set(columns, group);
    group.parameters += parameters;
    group.bytes += bytes;
  }
  const vectors = segments
    .flatMap((segment) => ('tensors' in segment ? segment.tensors : []))
    .filter(({ shape }) => matrixOf(shape) === undefined);
  const vectorParameters = vectors.reduce((sum, { parameters }) => sum + parameters, 0);
  return {
    matrices: new Map([...matrices].map(([columns, { parameters, bytes }]) => [columns, bytes / parameters])),
    vectors: vectorParameters === 0 ? 0 : vectorBytes / (vectorParameters * layers.length),
  };
}

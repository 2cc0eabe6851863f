import { shown, UserError } from '../input/userError.ts';
import { QUANTISED_GGML_TYPES } from './checkpoint/ggmlTypes.ts';
import { bytesOf, parametersOf, tensorsOfBlock } from './derive.ts';
import type { Dit, DitSegment, WeightTensor } from './dit.ts';

const BF16_BYTES = 2;
const FP32_BYTES = 4;
/** Elements that share a scale: of bitsandbytes' 4-bit types by default, of NVFP4, and of SVDQuant's int4. */
const BITSANDBYTES_BLOCK = 64;
const NVFP4_BLOCK = 16;
const SVDQUANT_GROUP = 64;
/** Rank of SVDQuant's correction in published checkpoints. */
const SVDQUANT_RANK = 32;

/** Bytes of a matrix of [rows, columns] in a block, scales included. */
type MatrixBytes = (rows: number, columns: number) => number;

const fourBits: MatrixBytes = (rows, columns) =>
  (rows * columns) / 2 + FP32_BYTES * Math.ceil((rows * columns) / BITSANDBYTES_BLOCK);

/**
 * What weights are stored as on the device. Sources: scaled fp8 has one fp32 a matrix; int8 one a row (arXiv 2208.07339); nf4 and
 * fp4 one for 64 elements (arXiv 2305.14314, without double quantisation, as diffusers' BitsAndBytesConfig); nvfp4 an fp8 for 16
 * elements and an fp32 a matrix; svdquant a bf16 for 64 elements, a bf16 a column and factors of rank 32 in bf16 (arXiv 2411.05007).
 */
const MATRIX_BYTES = {
  bf16: (rows, columns) => BF16_BYTES * rows * columns,
  fp16: (rows, columns) => BF16_BYTES * rows * columns,
  fp32: (rows, columns) => FP32_BYTES * rows * columns,
  fp8: (rows, columns) => rows * columns + FP32_BYTES,
  int8: (rows, columns) => rows * columns + FP32_BYTES * rows,
  nf4: fourBits,
  fp4: fourBits,
  nvfp4: (rows, columns) => (rows * columns) / 2 + (rows * columns) / NVFP4_BLOCK + FP32_BYTES,
  svdquant: (rows, columns) =>
    (rows * columns) / 2 +
    (BF16_BYTES * rows * columns) / SVDQUANT_GROUP +
    BF16_BYTES * (columns + SVDQUANT_RANK * (rows + columns)),
} as const satisfies Record<string, MatrixBytes>;

const GGML_BYTES = new Map(
  QUANTISED_GGML_TYPES.map(({ name, elementsPerBlock, bytesPerBlock }): [string, MatrixBytes] => [
    name.toLowerCase(),
    (rows, columns) =>
      // Converters leave a matrix whose rows are no whole blocks in 16 bits.
      columns % elementsPerBlock === 0
        ? (rows * columns * bytesPerBlock) / elementsPerBlock
        : BF16_BYTES * rows * columns,
  ]),
);

/** Name of a type of run-time weights; GGUF's have the names of ggml, in small letters. */
export type WeightDtype = string;

export const WEIGHT_DTYPES: readonly WeightDtype[] = [
  ...new Set([...Object.keys(MATRIX_BYTES), ...GGML_BYTES.keys()]),
];

/**
 * A model with its weights in another dtype, as they lie on the device and cross the link. Only matrices of the blocks are
 * quantised; norms, biases, tables and all that stands outside of the blocks stay in bf16, as such checkpoints have them. FLOPs do not change.
 *
 * @throws UserError for a dtype that is none of WEIGHT_DTYPES.
 */
export function withWeightDtype(dit: Dit, dtype: WeightDtype): Dit {
  const matrixBytes = Object.hasOwn(MATRIX_BYTES, dtype)
    ? MATRIX_BYTES[dtype as keyof typeof MATRIX_BYTES]
    : GGML_BYTES.get(dtype);
  if (matrixBytes === undefined)
    throw new UserError(`--dtype ${shown(dtype)}: expected one of ${WEIGHT_DTYPES.join(', ')}`);
  const otherBytes = dtype === 'fp32' ? FP32_BYTES : BF16_BYTES;
  const blocks = dit.blocks.map((kind) => ({
    ...kind,
    segments: kind.segments.map((segment) => recast(segment, matrixBytes, otherBytes)),
  }));
  const outsideBytes = dit.outsideParameters * otherBytes;
  const tensors = blocks.flatMap(({ segments }) => tensorsOfBlock(segments));
  const perParameter = (bytesOf(tensors) / parametersOf(tensors)).toFixed(3);
  const isPlain = perParameter === BF16_BYTES.toFixed(3);
  return {
    ...{ ...dit, blocks, outsideBytes },
    assumptions: [
      ...dit.assumptions,
      ...(isPlain
        ? []
        : [
            `Weights are taken in ${dtype}: blocks have ${perParameter} bytes a parameter${dtype === 'fp32' ? '' : ', their norms, biases and tables and all that stands outside of them stay in bf16'}.`,
          ]),
    ],
  };
}

function recast(segment: DitSegment, matrixBytes: MatrixBytes, otherBytes: number): DitSegment {
  if (!('tensors' in segment)) return segment;
  const isMatrix = ({ shape }: WeightTensor) => segment.kind === 'gemm' && shape.length === 2;
  return {
    ...segment,
    tensors: segment.tensors.map((tensor) => ({
      ...tensor,
      bytes: isMatrix(tensor)
        ? matrixBytes(tensor.shape[0]!, tensor.shape[1]!)
        : tensor.parameters * otherBytes,
    })),
  };
}

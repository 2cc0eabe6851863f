import type { DitSegment, GemmSegment, Rows, WeightTensor } from '../dit.ts';
import type { GemmOp } from '../operations.ts';

/** Segments of a block that no catalogue model explains, with the guesses behind them. */
export interface GuessedBlock {
  segments: readonly DitSegment[];
  width: number;
  heads: number;
  hasText: boolean;
}

const CONDITIONING = /mod(?!el)|adaln|norm.*linear/i;
const TEXT = /context|txt|add_|text|_img(_|\.|$)/i;
const QUERY_KEY_VALUE = /(^|[._])(to_|add_|w)?(q|k|v|qkv|kv|query|key|value)(_|\.|$)/i;
const QUERY = /(^|[._])(to_|add_|w)?(q|qkv|query)(_|\.|$)/i;
const COMMON_HEAD_SIZES = [128, 64, 72, 96];

/** Two norms and two residual adds, by the estimates of format.ts. */
const TOUCHES_PER_WIDTH = 2 * 2 + 2 * 3;

/** How rows are guessed from a name, as the reader of a report should hear it. */
export const GUESS_RULES = [
  'Matrices multiply one conditioning row per sample where the name speaks of modulation, text rows where it speaks of text or context, and tokens otherwise.',
  'Each block has one self-attention, exchanged before and after, as wide as the input of its query projection; cross-attention is not seen.',
  'Norms, activations and residual adds touch ten times the width per row.',
] as const;

/**
 * A block's work from the names and shapes of its tensors alone: conditioning, the projections to Q, K and V,
 * one self-attention between its exchanges, then every other matrix.
 */
export function guessSegments(tensors: readonly WeightTensor[]): GuessedBlock {
  const matrices = tensors.filter(({ shape }) => shape.length === 2);
  const placeOf = new Map(matrices.map(({ name }) => [stem(name), placeOfMatrix(name)]));
  const at = (place: Place) => tensors.filter(({ name }) => placeOf.get(stem(name)) === place);
  const rest = tensors.filter(({ name }) => !placeOf.has(stem(name)));
  const width = attentionWidth(matrices);
  const hasText = matrices.some(({ name }) => rowsOfMatrix(name) === 't');
  const joins = at('before').some(({ name }) => rowsOfMatrix(name) === 't');
  const rows: Rows = joins ? 'j' : 'x';
  const exchange = (direction: 'in' | 'out'): DitSegment => ({
    ...{ kind: 'exchange', name: `self exchange ${direction}`, direction, attention: 'self' },
    ...{ rows, kvRows: rows, width, kvWidth: width },
  });
  const segments: DitSegment[] = [
    gemm('modulation', 'modulation', at('conditioning')),
    {
      kind: 'elementwise',
      name: 'norms and adds',
      op: 'other',
      facts: {},
      touches: [{ rows: hasText ? 'j' : 'x', elements: TOUCHES_PER_WIDTH * width }],
      tensors: rest,
    },
    gemm('qkv', 'qkv', at('before')),
    exchange('in'),
    { kind: 'attention', name: 'self-attention', q: rows, kv: rows, width },
    exchange('out'),
    gemm('other projections', 'other', at('after')),
  ];
  return {
    segments: segments.filter((segment) => segment.kind !== 'gemm' || segment.tensors.length > 0),
    width,
    heads: headsOf(rest, width),
    hasText,
  };
}

type Place = 'conditioning' | 'before' | 'after';

function placeOfMatrix(name: string): Place {
  if (CONDITIONING.test(name)) return 'conditioning';
  return QUERY_KEY_VALUE.test(stem(name)) ? 'before' : 'after';
}

/** The rows that a matrix is guessed to multiply. */
export function rowsOfMatrix(name: string): Rows {
  if (CONDITIONING.test(name)) return 'c';
  return TEXT.test(name) ? 't' : 'x';
}

function gemm(name: string, op: GemmOp, tensors: readonly WeightTensor[]): GemmSegment {
  const matrices = tensors.filter(({ shape }) => shape.length === 2);
  return {
    kind: 'gemm',
    name,
    op,
    input: 'normed',
    modulation: [],
    products: matrices.map((matrix) => ({
      rows: rowsOfMatrix(matrix.name),
      in: matrix.shape[1]!,
      out: matrix.shape[0]!,
    })),
    tensors,
    // Which outputs are row-parallel cannot be told from names.
    reduces: [],
  };
}

function attentionWidth(matrices: readonly WeightTensor[]): number {
  const query = matrices.find(({ name }) => QUERY.test(stem(name)) && rowsOfMatrix(name) === 'x');
  return query?.shape[1] ?? mostCommon(matrices.flatMap(({ shape }) => shape));
}

/** A norm of Q or K that is narrower than the width is as long as one head. */
function headsOf(tensors: readonly WeightTensor[], width: number): number {
  const norm = tensors.find(
    ({ name, shape }) =>
      /norm/i.test(name) &&
      /(^|[._])(q|k|query|key)(_|\.|$)/i.test(name) &&
      shape.length === 1 &&
      shape[0]! < width &&
      width % shape[0]! === 0,
  );
  const size = norm?.shape[0] ?? COMMON_HEAD_SIZES.find((common) => width % common === 0) ?? width;
  return width / size;
}

function mostCommon(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((best, next) => (next[1] > best[1] ? next : best))[0];
}

/** A layer's name without the last part: `ff.net.0.proj` of both its weight and its bias. */
function stem(name: string): string {
  return name.replace(/\.?[^.]*$/, '');
}

/**
 * The YAML format of a diffusion transformer, as people write it; docs/models.md is the page about it.
 *
 * Shapes and widths are expressions in the model's own dimensions, so no derived number is ever typed in.
 * How many elements an elementwise segment touches is an estimate by rule: norm and modulate 2 x width,
 * residual add 3 x width (5 behind a norm of its own), QK norm with RoPE 8 x width (4 for one of the two, half
 * of it for Q or K alone), GELU 2 x f, SwiGLU 3 x f.
 */

import { z } from 'zod';
import { CHECKED_ONCE } from '../input/checkedOnce.ts';
import { nearNames } from '../input/nearNames.ts';
import { shown } from '../input/userError.ts';
import { MODALITIES, ROWS } from './dit.ts';
import {
  ACTIVATIONS,
  GEMM_INPUTS,
  NORM_KINDS,
  NORM_SPANS,
  ROPE_PAIRINGS,
  SEGMENT_OPS,
  SITES,
} from './operations.ts';

const count = z.number().int().min(1).max(1_000_000);
/** Every block, and every pass over them, is operations of its own; the deepest model of the catalogue has 60. */
const few = z.number().int().min(1).max(1000);
const text = z.string().min(1).max(300);

const expression = z
  .union([z.number(), z.string()], { error: 'expected a number or an expression such as 3*d' })
  .describe('a number, or arithmetic in the names of `dimensions` and `channels`');

/** One of some words; the error names them and the nearest. */
function word<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, {
    error: ({ input }) =>
      typeof input === 'string'
        ? `expected one of ${words.join(', ')}, got ${shown(input)}; did you mean ${nearNames(input, words, 1)[0]}?`
        : `expected one of ${words.join(', ')}`,
  });
}

const rows = z.enum(ROWS);

/** One value for each kind of rows that takes part. */
const perRows = z.strictObject({
  x: expression.optional(),
  t: expression.optional(),
  i: expression.optional(),
  a: expression.optional(),
  j: expression.optional(),
  c: expression.optional(),
});

const shape = z.array(expression).min(1).max(8).describe('[out, in] for a matrix');
const tensors = z.record(text, shape).describe('tensor name, braces allowed, to shape');

const modulation = z
  .array(
    z.strictObject({
      by: text.describe('a table, or the module of the last matrix'),
      through: text.optional().describe('module of the first matrix of a low-rank pair'),
      of: word(['condition']).optional().describe('what the matrices multiply; left out for a table'),
      activation: word(['silu']).optional().describe('of the condition'),
      plus: word(['timestep']).optional(),
      makes: text.describe('rows.site.role of each vector in order, braces allowed'),
    }),
  )
  .min(1);

const norm = z.strictObject({
  kind: word(NORM_KINDS),
  eps: z.number().min(0).max(1),
  by: text.optional().describe('module of weight and bias'),
  over: word(NORM_SPANS).optional(),
});

/** Modules of the norms of Q or K, by rows. */
const modules = z.strictObject({
  x: text.optional(),
  t: text.optional(),
  i: text.optional(),
  j: text.optional(),
});

const gemm = z.strictObject({
  gemm: text,
  op: word(SEGMENT_OPS.gemm).optional(),
  input: word(GEMM_INPUTS).optional(),
  modulation: modulation.optional(),
  routed: z
    .strictObject({ experts: count, active: count })
    .optional()
    .describe('experts whose matrices these are, and how many of them each row goes through'),
  x: tensors.optional(),
  t: tensors.optional(),
  i: tensors.optional(),
  a: tensors.optional(),
  j: tensors.optional(),
  c: tensors.optional(),
  reduces: perRows.optional().describe('output widths summed over the ranks under tensor parallelism'),
});

const attention = z.strictObject({ attention: text, q: rows, kv: rows, width: expression });

const elementwise = z.strictObject({
  elementwise: text,
  op: word(SEGMENT_OPS.elementwise).optional(),
  norm: norm.optional(),
  modulated: word(SITES).optional(),
  gated: word(SITES).optional(),
  modulation: modulation.optional(),
  q: modules.optional(),
  k: modules.optional(),
  rope: z
    .strictObject({ pairing: word(ROPE_PAIRINGS), over: word(NORM_SPANS), rows: z.array(rows).min(1) })
    .optional(),
  activation: word(ACTIVATIONS).optional(),
  touches: perRows.describe('elements read plus written, per row'),
  weights: tensors.optional(),
});

const exchange = z.strictObject({
  exchange: z.enum(['in', 'out']),
  attention: z.enum(['self', 'cross']),
  rows,
  kvRows: rows.optional().describe('rows of K and V, if they are not those of Q'),
  width: expression,
  kvWidth: expression.optional().describe('width of K and V where heads share them; direction in only'),
});

// An exchange also has a key `attention`, so it is looked for first.
const SEGMENTS = { exchange, gemm, elementwise, attention } as const;

type WrittenSegment = z.output<(typeof SEGMENTS)[keyof typeof SEGMENTS]>;

/**
 * A segment is told by its first key. A plain union would do, but its errors would speak of all four kinds
 * instead of the one that was meant.
 */
const segment = z.looseObject({}).transform((value, context): WrittenSegment => {
  const kind = (Object.keys(SEGMENTS) as (keyof typeof SEGMENTS)[]).find((key) => Object.hasOwn(value, key));
  if (kind === undefined) {
    context.addIssue({
      code: 'custom',
      message: 'expected a segment that begins with gemm, attention, elementwise or exchange',
    });
    return z.NEVER;
  }
  const result = SEGMENTS[kind].safeParse(value, { reportInput: true, ...CHECKED_ONCE });
  if (result.success) return result.data;
  for (const issue of result.error.issues) context.addIssue({ ...issue });
  return z.NEVER;
});

const block = z.strictObject({
  name: text,
  container: text.describe('attribute path of the layer list in the checkpoint'),
  count: few,
  segments: z.array(segment).min(1),
});

const perAxis = z.strictObject({ frame: expression, height: expression, width: expression });

const rope = z
  .strictObject({
    theta: expression,
    axes: perAxis
      .optional()
      .describe('elements of a head that turn by each axis; not for fractional positions'),
    positions: z
      .union([
        z.enum(['corner', 'centred']),
        z.strictObject({ fitted: z.strictObject({ height: expression, width: expression }) }),
        z.strictObject({
          fractional: z.strictObject({ seconds: expression, height: expression, width: expression }),
        }),
      ])
      .default('corner'),
    stretch: perAxis.optional().describe('NTK scaling; 1 unless given'),
    framesPerSecond: z
      .strictObject({ made: z.number().positive(), perStep: z.number().positive() })
      .optional(),
    text: z.enum(['zero', 'after']).optional().describe('positions of text rows that turn too'),
  })
  .describe('rotary position embedding');

export const ditFormat = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, 'expected small letters, digits, dots and dashes'),
  name: text,
  modality: z.enum(MODALITIES),
  dimensions: z
    .object({ heads: expression })
    .catchall(expression)
    .describe('names for expressions; a later one may use the earlier ones'),
  hidden: expression,
  text: z.strictObject({ encoder: text, rows: z.number().int().min(0).max(1_000_000) }),
  image: z
    .strictObject({ encoder: text, rows: count })
    .optional()
    .describe('encoder of a conditioning image whose rows the tokens attend to'),
  audio: z
    .strictObject({ rowsPerSecond: z.number().positive(), framesPerSecond: z.number().positive() })
    .optional(),
  vae: z.strictObject({
    temporal: count,
    spatial: count,
    channels: count,
    frames: z.enum(['causal', 'segments', 'none']),
  }),
  patch: z.strictObject({ t: count, h: count, w: count }),
  rowMultiple: count.optional(),
  rope: rope.optional(),
  guidance: z.strictObject({ evaluations: few, passes: few }),
  referenceSize: z.string(),
  referenceImages: z
    .array(z.string())
    .max(100)
    .optional()
    .describe(
      'sizes of images whose tokens join those of the output, where none are named; [] for usually none',
    ),
  experts: count.optional(),
  parameterBytes: z.number().positive().max(16).optional().describe('2 (bf16) unless given'),
  unproved: text.optional().describe('why no program is generated: what of its blocks no reference proves'),
  blocks: z.array(block).min(1),
  outside: tensors.describe('tensors outside the blocks, of one expert'),
  sources: z.array(text),
});

export type WrittenDit = z.output<typeof ditFormat>;
export type WrittenBlock = WrittenDit['blocks'][number];
export type { WrittenSegment };

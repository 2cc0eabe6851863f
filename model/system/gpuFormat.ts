import { z } from 'zod';
import { ATTENTION_KERNELS, COMPUTE_DTYPES, ELEMENTWISE_KERNELS, SEGMENT_CLASSES } from '../dit/kinds.ts';
import { physical, plain } from './numbers.ts';

/** The way out for who would say a faster dtype by an efficiency above 1. */
const ABOVE_ONE = {
  error: ({ input }: { input?: unknown }) =>
    `expected at most 1, got ${input}: no kernel beats the peak of its dtype; say a faster dtype by its own peak (gpu.peak: {bf16: ..., fp8: ...}) with --compute-dtype, a faster attention by gpu.attentionKernels with --attention`,
};

/** One number, which is bf16's, or one for each dtype, bf16 among them. */
function byDtype<Entry extends z.ZodType>(entry: Entry) {
  const others = COMPUTE_DTYPES.filter((dtype) => dtype !== 'bf16');
  const optional = entry.optional();
  return z.union([
    entry,
    z.strictObject({
      bf16: entry,
      ...(Object.fromEntries(others.map((dtype) => [dtype, optional])) as Record<
        Exclude<(typeof COMPUTE_DTYPES)[number], 'bf16'>,
        typeof optional
      >),
    }),
  ]);
}

export const peak = byDtype(physical('compute')).describe(
  'dense, FP32 accumulation; one number is that of bf16',
);

export const efficiency = z.strictObject({
  gemm: byDtype(plain(0.01, 1, ABOVE_ONE)).describe('of the peak of the dtype; one number is that of bf16'),
  attention: plain(0.01, 1, ABOVE_ONE).describe(
    'of the peak of bf16, of attention that no kernel is named for',
  ),
  elementwise: plain(0.01, 1),
});

export const attentionKernels = z
  .partialRecord(
    z.enum(ATTENTION_KERNELS),
    z.strictObject({
      dtype: z.enum(COMPUTE_DTYPES).describe('whose peak the efficiency is of'),
      efficiency: plain(0.01, 1, ABOVE_ONE),
    }),
  )
  .describe('attention kernels by name, for --attention');

/** `gpu` of a machine file. */
export const gpu = z.strictObject({
  name: z.string(),
  memory: physical('bytes'),
  peak,
  deviceMemory: physical('rate'),
  efficiency,
  attentionKernels: attentionKernels.optional(),
  launchFloor: physical('time'),
  kernelOverhead: z
    .partialRecord(z.enum(SEGMENT_CLASSES), physical('time'))
    .optional()
    .describe('launch, ramp and tail of a kernel, on top of its work'),
  traffic: z
    .partialRecord(z.enum(ELEMENTWISE_KERNELS), plain(0.01, 10))
    .optional()
    .describe(
      'bytes that elementwise kernels move for each one counted: fewer where fused; 1 where not given',
    ),
  attentionTiles: z
    .strictObject({
      multiprocessors: plain(1, 1024).describe('each works on one tile at a time'),
      rows: plain(1, 1024).describe('rows of Q in a tile'),
      ragged: plain(0.1, 1).describe('speed where rows are no multiple of a tile, against where they are'),
      overhead: physical('time').describe('of a tile, on top of its work'),
    })
    .optional(),
  copyEngine: z.strictObject({
    h2d: physical('rate'),
    d2h: physical('rate'),
    startUp: physical('time').describe('first copy on an idle engine'),
    gap: physical('time').describe('between back-to-back copies'),
    turn: physical('time').describe('how long one stream keeps the engine from another'),
    paceOverhead: physical('time').describe('what an asked-for pause costs on top'),
  }),
  power: z
    .strictObject({
      cap: physical('power'),
      idle: physical('power'),
      gemm: physical('energyPerFlop').describe('at the highest clock'),
      attention: physical('energyPerFlop'),
      elementwise: physical('energyPerByte'),
      energyExponent: plain(0, 4).describe('energy per FLOP grows with the clock to this power'),
      usefulClock: z
        .strictObject({ gemm: plain(0, 1), attention: plain(0, 1), elementwise: plain(0, 1) })
        .describe('fraction of the highest clock above which work of a class gains nothing'),
      minClock: plain(0.05, 1).describe('lowest clock as a fraction of the highest'),
      topClock: physical('frequency').optional().describe('the highest clock'),
    })
    .optional(),
});

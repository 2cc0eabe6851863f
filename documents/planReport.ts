import { z } from 'zod';
import { BOUNDS } from '../model/analytic/report.ts';
import { doubtFormat } from './doubt.ts';
import { breakEven, bytes, count, seconds } from './values.ts';

const requestFormat = z
  .strictObject({
    steps: count,
    totalS: seconds,
    intervalS: z
      .tuple([seconds, seconds])
      .describe('95 % interval of the total: that of the step in every step'),
    stepS: seconds.describe('of a steady step'),
    coldS: seconds.describe('what the first step takes longer, since nothing is prefetched for it'),
    switches: count.describe('between experts'),
    switchS: seconds.describe('each'),
    beforeS: seconds,
    afterS: seconds,
  })
  .describe('a whole request; its weights are in host memory, residents on the GPU');

/** What an interpreter says of a plan. */
export const planReportFormat = z.strictObject({
  plan: z.string().describe('preset and settings, as --plan takes them'),
  transport: z.string(),
  stepTimeS: seconds,
  versusNone: z
    .number()
    .min(0)
    .nullable()
    .describe('step time over that of no offload on the same transport'),
  doubt: doubtFormat,
  computeS: seconds.describe('on the critical path of rank 0'),
  collectiveS: seconds.describe('on the critical path, inflation included'),
  exposedPrefetchS: seconds.describe('waiting for weights and for nothing else'),
  collectiveInflationS: seconds.describe('what collectives take longer than alone'),
  prefetchS: seconds.describe('H2D of one step alone, at full rate'),
  windowS: seconds.describe('windows of one step that it could hide in'),
  gpuPeakBytes: bytes,
  hostPinnedBytes: bytes.describe('of one rank'),
  boundBy: z.enum(BOUNDS),
  breakEven,
  clock: z.number().describe('fraction of the highest clock; of a profile 1, the clock that it was made at'),
  powerW: z
    .number()
    .nullable()
    .describe('mean over the step; null where the machine file knows no power, and for a profile'),
  request: requestFormat.nullable().describe('with --steps'),
  verdict: z.string(),
  notes: z
    .array(z.string())
    .optional()
    .describe("of another tool's settings: all of them, and what the numbers leave out"),
});

export type PlanReport = z.input<typeof planReportFormat>;

import { z } from 'zod';
import { BOUNDS } from '../../model/analytic/report.ts';
import { breakEven, bytes, seconds } from './values.ts';

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
  verdict: z.string(),
  notes: z
    .array(z.string())
    .optional()
    .describe("of another tool's settings: all of them, and what the numbers leave out"),
});

export type PlanReport = z.input<typeof planReportFormat>;

import { z } from 'zod';
import { count, seconds } from './values.ts';

const range = z.strictObject({ low: seconds, high: seconds });

/** What `validate published-steps --json` prints. */
export const publishedStepsFormat = z.strictObject({
  schema: z.literal('chunkflow/published-steps@1'),
  figures: z.array(
    z.strictObject({
      id: z.string(),
      url: z.string(),
      version: z.string().describe('commit, release or day of what was read'),
      tool: z.string(),
      model: z.string().describe('as the source calls it'),
      card: z.string().nullable().describe('null where the source leaves it open'),
      gpus: count,
      publishedS: range.describe('of a step; a range where the number of steps is open'),
      isWholeRun: z.boolean().describe('a run over its steps: text encoder and VAE are in it'),
      predictedS: seconds.describe('of the same, denoising alone'),
      intervalS: range.nullable(),
      ratio: z.number().describe('predicted over published'),
      peakShare: z
        .number()
        .nullable()
        .describe("least share of the card's dense peak at its rated clock that the time stands for"),
      isHeld: z.boolean().nullable().describe('whether the interval meets what was published'),
    }),
  ),
  groups: z.array(
    z.strictObject({
      kind: z.string().describe('by what figures are grouped'),
      name: z.string(),
      count,
      medianRatio: z.number(),
      medianAbsoluteError: z.number().describe('of ratio - 1, a share'),
      largestAbsoluteError: z.number(),
      coverage: z.number().nullable().describe('share whose interval holds'),
      medianWidth: z.number().nullable().describe('of the upper over the lower end'),
    }),
  ),
  notPredicted: z.array(z.strictObject({ reason: z.string(), count })),
});

export type PublishedSteps = z.input<typeof publishedStepsFormat>;

import { z } from 'zod';
import { machineFormat } from './machine.ts';
import { planReportFormat } from './planReport.ts';
import { breakEven, seconds } from './values.ts';
import { workloadFormat } from './workload.ts';

export const paperCriterionFormat = z
  .strictObject({
    prefetchS: seconds.describe('of an average block, on a link that nothing else uses'),
    computeS: seconds.describe('of an average block'),
    hidden: z.boolean(),
    breakEven,
  })
  .describe("the paper's own criterion: prefetch against compute, without the collectives");

/** What `predict --json` prints. */
export const predictionFormat = z.strictObject({
  schema: z.literal('chunkflow/prediction@1'),
  workload: workloadFormat,
  machine: machineFormat,
  plans: z.array(planReportFormat),
  paperCriterion: paperCriterionFormat,
});

export type Prediction = z.input<typeof predictionFormat>;

import { z } from 'zod';
import { planChoiceFormat } from './planChoice.ts';
import { predictionFormat } from './prediction.ts';
import { simulationFormat } from './simulation.ts';

/** What `predict`, `simulate` and `plan --json` print of several sizes. */
export const sizesFormat = z.strictObject({
  schema: z.literal('chunkflow/sizes@1'),
  sizes: z
    .union([z.array(predictionFormat), z.array(simulationFormat), z.array(planChoiceFormat)])
    .describe('one document for each --size, in their order'),
});

export type Sizes = z.input<typeof sizesFormat>;

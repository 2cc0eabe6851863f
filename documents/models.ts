import { z } from 'zod';
import { MODALITIES } from '../model/dit/dit.ts';
import { bytes, count } from './values.ts';

/** What `models --json` prints. */
export const modelsFormat = z.strictObject({
  schema: z.literal('chunkflow/models@1'),
  models: z.array(
    z.strictObject({
      id: z.string(),
      name: z.string(),
      modality: z.enum(MODALITIES),
      parameters: count.describe('all experts, blocks and outside'),
      weightBytes: bytes.describe('of all parameters'),
      experts: count,
      blocks: count.describe('blocks of one pass'),
      blockBytes: z.strictObject({ min: bytes, max: bytes }).describe('weights of one block'),
      hidden: count,
      heads: count.describe('SP x TP must divide it'),
      evaluations: count.describe('network evaluations a denoising step'),
      reference: z.strictObject({ width: count, height: count, frames: count, tokens: count }),
    }),
  ),
});

export type ModelList = z.input<typeof modelsFormat>;

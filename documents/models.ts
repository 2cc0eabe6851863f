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
      assumptions: z.array(z.string()).optional().describe('of one model: what its file did not say'),
      kinds: z
        .array(
          z.strictObject({
            name: z.string(),
            count: count.describe('blocks of this kind in one pass'),
            bytes: bytes.describe('weights of one block'),
            exchanges: z.number().describe('collectives of one block under sequence parallelism'),
            segments: z.array(
              z.strictObject({
                name: z.string(),
                does: z.string().describe('op, or what changes hands'),
                bytes: bytes.describe('its weights'),
              }),
            ),
          }),
        )
        .optional()
        .describe('of one model: alike blocks, in the order in which a pass runs them'),
    }),
  ),
});

export type ModelList = z.input<typeof modelsFormat>;

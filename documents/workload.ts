import { z } from 'zod';
import { ATTENTION_KERNELS, COMPUTE_DTYPES } from '../model/dit/kinds.ts';
import { profileFormat } from '../model/profile/profileFormat.ts';
import { LAUNCH_MODES } from '../model/workload/computeMode.ts';
import { EXCHANGE_STYLES, GUIDANCE_MODES } from '../model/workload/workload.ts';
import { bytes, count, seconds } from './values.ts';

const everyWorkload = z.strictObject({
  model: z.string().describe('id in the catalogue, or in the profile'),
  name: z.string(),
  ranks: count.describe('ranks that meet in a collective'),
  passes: count.describe('trips through all blocks in one step'),
  blocks: count.describe('blocks of one pass'),
  assumptions: z
    .array(z.string())
    .describe('what the model file, checkpoint or profile did not say, one sentence each'),
  weightBytes: bytes.describe(
    "one rank's block weights of one pass: what is streamed when nothing is resident",
  ),
  outsideBytes: bytes.describe('weights outside the blocks on one rank, always resident'),
  collectiveBytes: bytes.describe('bytes that one rank sends in one step'),
  activationBytes: bytes,
  collectiveBufferBytes: bytes,
});

const boundWorkload = everyWorkload.extend({
  from: z.literal('model').describe('the catalogue, a model file or a checkpoint'),
  width: count,
  height: count,
  frames: count.describe('1 for images'),
  modelBlocks: count.optional().describe('of the whole model, where only some blocks are taken'),
  batch: z.number().min(0),
  sp: count.describe('Ulysses sequence-parallel degree'),
  ring: count.optional().describe('ring attention degree, where it is above 1'),
  tp: count.describe('tensor-parallel degree'),
  cfg: z.enum(GUIDANCE_MODES),
  exchange: z.enum(EXCHANGE_STYLES),
  referenceImages: z
    .array(z.strictObject({ width: count, height: count }))
    .optional()
    .describe('images whose tokens join those of the output; left out where there are none'),
  tokens: z.number().min(0).describe('image or video tokens of one sample, reference images among them'),
  experts: count,
  flops: z.number().min(0).describe('FLOPs of one rank in one step'),
  compute: z
    .strictObject({
      dtype: z.enum(COMPUTE_DTYPES).describe('of matrix products'),
      attention: z.enum(ATTENTION_KERNELS).nullable().describe("null: the machine's usual kernel"),
      launch: z.enum(LAUNCH_MODES),
    })
    .optional()
    .describe('how it is computed; absent: bf16 by compiled kernels'),
});

const profiledWorkload = everyWorkload.extend({
  from: z.literal('profile'),
  fingerprint: z.string(),
  made: profileFormat.shape.made,
  stepsMeasured: count,
  inputs: profileFormat.shape.step.shape.inputs,
  measured: z
    .strictObject({
      computeS: seconds.describe('windows'),
      collectiveS: seconds.describe('from issue to wait; predictions take them from the machine'),
      outsideS: seconds.describe('outside of the blocks'),
    })
    .describe('in one step, as it was profiled'),
});

/** What is computed. */
export const workloadFormat = z.discriminatedUnion('from', [boundWorkload, profiledWorkload]);

export type WorkloadFields = z.input<typeof workloadFormat>;

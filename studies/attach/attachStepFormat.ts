import { z } from 'zod';

export const ATTACH_STEPS_SCHEMA = 'chunkflow/attach-steps@1';

const bytes = z.int().min(0);
const seconds = z.number().positive();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** One round of one way to hold a model's weights, as experiments/attach/measure.py writes it. */
export const attachStepFormat = z.strictObject({
  schema: z.literal(ATTACH_STEPS_SCHEMA),
  case: z.string().min(1).describe("also the model's id in its profile and in plans made from that"),
  model: z.strictObject({
    name: z.string(),
    class: z.string(),
    config: z.record(z.string(), z.unknown()),
    storage: z.string(),
  }),
  tokens: z.int().min(1),
  grid: z.array(z.int().min(1)).length(3),
  ranks: z.int().min(1),
  place: z.enum(['host', 'one GPU', 'GPUs of one host']),
  transport: z.string().describe("the model's own collectives go over; `none` on one rank"),
  variant: z.strictObject({
    key: z.string().min(1),
    kind: z.enum(['none', 'attach', 'sglang', 'sglang-plan', 'group-offload', 'sequential']),
    name: z.string().min(1),
    resident: z.number().min(0).max(1).optional().describe('of records that have no settings'),
    settings: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .optional()
      .describe('of another tool, by its own names'),
  }),
  plan: z.unknown().describe('of an attached plan: its document'),
  planSha256: sha256.nullable(),
  profileSha256: sha256.nullable(),
  warmUp: z.strictObject({ steps: z.int().min(0), isSteady: z.boolean(), lastS: z.array(seconds) }),
  stepS: z.array(seconds).min(1).describe('of the slowest rank'),
  wallS: seconds,
  rankStepS: z.array(seconds).min(1).describe('median of each rank'),
  hostS: z.number().min(0).nullable().describe('of a step, in hooks'),
  counts: z.record(z.string(), z.int()).nullable(),
  memory: z.strictObject({
    torchBytes: bytes,
    torchReservedBytes: bytes,
    deviceBytes: bytes.describe('all that is taken on the device; 0 on CPU cores'),
    baseBytes: bytes.describe('of that, before there was a model'),
    otherBytes: z
      .strictObject({ before: bytes, setUp: bytes, steps: bytes, digests: bytes })
      .optional()
      .describe("what PyTorch's allocator does not hold of what is taken, behind each part of the round"),
  }),
  digests: z.array(sha256).min(1),
  sameAs: z.string(),
  isSame: z.boolean(),
  device: z.string(),
  driver: z.string().nullable(),
  cuda: z.string().nullable(),
  nccl: z.string().nullable(),
  smHz: z.number().positive().nullable(),
  smHzOf: z
    .string()
    .optional()
    .describe("the case's variant under whose steps the clock was read; else this one"),
  attention: z.string(),
  versions: z.record(z.string(), z.string().nullable()),
  sourceSha256: sha256,
  at: z.string(),
  setUpS: z.number().min(0),
  round: z.int().min(1),
  order: z.int().min(0),
});

export type AttachStepRecord = z.output<typeof attachStepFormat>;

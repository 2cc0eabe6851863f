import { z } from 'zod';
import {
  blockWeightBytes,
  fingerprint,
  MOST_BLOCKS,
  MOST_COLLECTIVES,
  profiledCollective,
  rankCount,
  shownText as text,
} from '../workload/profiledFormat.ts';

export const PROFILE_SCHEMA = 'chunkflow/profile@1';

/** Passes over all blocks in one step; guided models make two or three. */
const MOST_PASSES = 64;

/** Nothing that is measured here lasts a day: such a number is damage. */
const seconds = z.number().min(0).max(86_400);
const bytes = z.int().min(0);

const tensor = z.strictObject({
  name: text.describe('within the block, dotted'),
  offset: bytes.multipleOf(256).describe('from the start of the block'),
  bytes: bytes.describe('as stored'),
  dtype: text,
  shape: z.array(z.int().min(0)),
});

const window = z.strictObject({
  seconds: seconds.describe('median over blocks of the kind and steps'),
  spread: seconds.describe('half the range of the middle half of the medians by step'),
});

const collective = profiledCollective.extend({
  seconds: seconds.describe('from issue to wait, waiting for peers included; not used by predictions'),
});

const kind = z.strictObject({
  name: text.describe('class of the module'),
  weightBytes: blockWeightBytes,
  tensors: z.array(tensor).describe('empty where the profile was made from a trace, which knows none'),
  windows: z
    .array(window)
    .describe('compute before the first collective, between the first and the second, ...'),
  collectives: z.array(collective).max(MOST_COLLECTIVES),
});

/** What was measured of a user's own PyTorch model: blocks, windows, collectives and bytes of one rank. */
export const profileFormat = z.strictObject({
  schema: z.literal(PROFILE_SCHEMA),
  model: z.strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9.-]{1,100}$/, 'expected at most 100 small letters, digits, dots and dashes')
      .describe('what plans call it'),
    name: text,
  }),
  fingerprint,
  made: z
    .strictObject({
      at: text.describe('UTC, ISO 8601'),
      backend: z.enum(['cuda', 'host']),
      device: text,
      driver: text.nullable(),
      cuda: text.nullable(),
      torch: text.nullable(),
      nccl: text.nullable(),
      by: text.describe('tool and version'),
      smHz: z.number().positive().nullable().describe('clock of the multiprocessors while it was measured'),
    })
    .describe('null for what there is not, or what nobody knows'),
  step: z.strictObject({
    ranks: rankCount,
    passes: z.int().min(1).max(MOST_PASSES).describe('trips through all blocks in one step'),
    stepsMeasured: z.int().min(1),
    hostSeconds: seconds
      .optional()
      .describe('that a step takes where launching its kernels takes the host longer than they take the GPU'),
    inputs: z.array(z.strictObject({ name: text, shape: z.array(z.int().min(0)), dtype: text })),
  }),
  kinds: z.array(kind).min(1).describe('blocks that are alike'),
  blocks: z
    .array(
      z.strictObject({
        container: text.describe('attribute path of the list of blocks'),
        first: z.int().min(0).describe('index of the first of these in it'),
        count: z.int().min(1).max(MOST_BLOCKS),
        kind: z.int().min(0).describe('place in `kinds`'),
      }),
    )
    .min(1)
    .describe('the blocks of a pass in order'),
  outside: z.strictObject({
    bytes: bytes.describe('of parameters outside of the blocks, which stay on the GPU'),
    seconds: seconds.describe("a pass, from the last block's end to the first block of the next"),
  }),
  activationBytes: bytes.describe(
    'peak of what is allocated beside parameters, buffers of collectives included',
  ),
  process: z
    .strictObject({
      allocatorBytes: bytes.describe("what PyTorch's allocator holds beyond what is allocated, at the peak"),
      otherBytes: bytes.describe('what that allocator does not hold: context, kernels, communicators'),
    })
    .optional()
    .describe('of the GPU, beside weights and activations; left out where it is not known'),
});

export type Profile = z.output<typeof profileFormat>;
export type ProfileKind = Profile['kinds'][number];

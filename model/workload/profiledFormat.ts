import { z } from 'zod';
import { COLLECTIVE_KINDS } from '../dit/kinds.ts';
import { printable } from '../input/userError.ts';

/** Blocks of a pass at the most: every one of them is walked and lowered, so a larger number is damage or a bomb. */
export const MOST_BLOCKS = 10_000;
/** GPUs of the largest machines that a step is divided over; every rank is lowered. */
const MOST_RANKS = 1024;
/** Collectives of one block; the models that we know have at most a dozen. */
export const MOST_COLLECTIVES = 1000;

const bytes = z.int().min(0);

/** Tables print it as it is. */
export const shownText = z
  .string()
  .min(1)
  .max(300)
  .refine((text) => printable(text) === text, 'expected no control characters');

/** Of the parameters of all blocks: kinds in order, with names, shapes, dtypes and offsets of their tensors. */
export const fingerprint = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 hexadecimal digits')
  .describe('of what lies where in the blocks: names, shapes, dtypes and offsets of their tensors');

export const rankCount = z.int().min(1).max(MOST_RANKS).describe('ranks that meet in a collective');

/** One collective call of a block, as one rank sees it. */
export const profiledCollective = z.strictObject({
  kind: z.enum(COLLECTIVE_KINDS),
  sentBytes: bytes.min(1).describe('that leave a rank; what it keeps is not counted'),
  bufferBytes: bytes.min(1).describe('of its input and output on one rank'),
});

export const blockWeightBytes = bytes
  .min(1)
  .describe('from the start of a block to the end of its last tensor');

const profiledKind = z.strictObject({
  name: shownText.describe('class of the module'),
  weightBytes: blockWeightBytes,
  collectives: z.array(profiledCollective).max(MOST_COLLECTIVES),
});

const profiledRun = z.strictObject({
  kind: z.int().min(0).describe('place in `kinds`'),
  times: z.int().min(1).max(MOST_BLOCKS).describe('so many blocks in a row'),
});

/**
 * The part of a plan that says which profiled model it is for: as much of the profile as lowering the plan takes, so that a library
 * can be generated from the plan alone.
 */
export const profiledFormat = z.strictObject({
  fingerprint,
  ranks: rankCount,
  kinds: z.array(profiledKind).min(1),
  blocks: z.array(profiledRun).min(1).describe('the blocks of a pass in order'),
});

export type Profiled = z.output<typeof profiledFormat>;
export type ProfiledCollective = z.output<typeof profiledCollective>;

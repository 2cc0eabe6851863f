import type { RowCounts } from '../dit/tokens.ts';

/** Rows of one sample; joint rows are x and t together. Need not be whole. */
export type SampleRows = Pick<RowCounts, 'x' | 't' | 'i' | 'a'>;

/** Rows as one rank sees them. */
export interface RankRows {
  /** Ulysses degree: ranks that hold heads of the same rows. */
  sp: number;
  /** Ring degree: groups of such ranks, each with rows of its own. */
  ring: number;
  /** Sequences computed at once: batch, times the evaluations of batched guidance. */
  sequences: number;
  /** Rows that this rank multiplies with weights, all sequences. Text that is not joined is repeated on every rank. */
  gemm: Readonly<RowCounts>;
  /** Rows of one whole sequence, as an attention sees them behind the exchange. */
  attention: Readonly<RowCounts>;
}

/**
 * Splits the rows of a sample over the ranks of a sequence-parallel group, sp x ring of them.
 *
 * Video, image and joint rows are sharded. Text is sharded where it meets the image in one attention
 * (`textSharded`); text and images that only feed a cross-attention, and audio beside video, are held whole by every rank
 * (the sequence-parallel implementations of SGLang and diffusers).
 */
export function rankRows(
  sample: SampleRows,
  sequences: number,
  { sp, ring }: Pick<RankRows, 'sp' | 'ring'>,
  textSharded: boolean,
): RankRows {
  const { x, t, i, a } = sample;
  const shards = sp * ring;
  const held = textSharded ? shards : 1;
  return {
    ...{ sp, ring },
    sequences,
    gemm: {
      x: (x * sequences) / shards,
      j: ((x + t) * sequences) / shards,
      t: (t * sequences) / held,
      i: i * sequences,
      a: a * sequences,
      c: sequences,
    },
    attention: { x, t, i, a, j: x + t, c: 1 },
  };
}

import type { RowCounts } from '../dit/tokens.ts';

/** Rows of one sample; joint rows are x and t together. Need not be whole. */
export type SampleRows = Pick<RowCounts, 'x' | 't' | 'i' | 'a'>;

/** Rows as one rank sees them. */
export interface RankRows {
  sp: number;
  /** Sequences computed at once: batch, times the evaluations of batched guidance. */
  sequences: number;
  /** Rows that this rank multiplies with weights, all sequences. Text that is not joined is repeated on every rank. */
  gemm: Readonly<RowCounts>;
  /** Rows of one whole sequence, as an attention sees them behind the exchange. */
  attention: Readonly<RowCounts>;
}

/**
 * Splits the rows of a sample over the ranks of a sequence-parallel group.
 *
 * Video, image and joint rows are sharded. Text is sharded where it meets the image in one attention
 * (`textSharded`); text and images that only feed a cross-attention, and audio beside video, are held whole by every rank
 * (the sequence-parallel implementations of SGLang and diffusers).
 */
export function rankRows(sample: SampleRows, sequences: number, sp: number, textSharded: boolean): RankRows {
  const { x, t, i, a } = sample;
  const held = textSharded ? sp : 1;
  return {
    sp,
    sequences,
    gemm: {
      x: (x * sequences) / sp,
      j: ((x + t) * sequences) / sp,
      t: (t * sequences) / held,
      i: i * sequences,
      a: a * sequences,
      c: sequences,
    },
    attention: { x, t, i, a, j: x + t, c: 1 },
  };
}

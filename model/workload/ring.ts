import type { AttentionSegment, Dit, DitBlockKind } from '../dit/dit.ts';
import { UserError } from '../input/userError.ts';
import type { RankRows } from './rows.ts';
import {
  ACTIVATION_BYTES,
  type CollectiveSegment,
  type ComputeSegment,
  type ParallelLayout,
  type Segment,
} from './workload.ts';

/** Partial outputs are merged in float32, whatever Q, K and V are. */
const ACCUMULATOR_BYTES = 4;

/**
 * Ring attention of degree R in each of the Ulysses groups (USP, arXiv 2405.07719): a rank keeps its rows of Q and computes with the K
 * and V of all rows, a block of rows/R at a time.
 *
 * While part i computes with the block at hand, that block is sent to the next rank and the next one received, in one NCCL group of
 * sends and receives; part i + 1 begins when both are done, and the last part sends nothing. Each part gives a partial output with its
 * log-sum-exp, which is merged into a float32 accumulator before the wait, so beside the send as well
 * (github.com/zhuzilin/ring-flash-attention, ring_flash_attn/ring_flash_attn.py@0fc25b46 and utils.py@0b90df9b).
 *
 * One part on one rank, with sp heads' groups and tp: 4 x rows/R x rows/R x width / (sp x tp) FLOPs; one send: 2 x rows/R x
 * width / (sp x tp) elements. Cross-attention has all of its keys on every rank and sends none.
 */
export function ringAttention(
  segment: AttentionSegment,
  heads: number,
  rows: RankRows,
  tp: number,
): Segment[] {
  const { sp, ring } = rows;
  const queryRows = rows.attention[segment.q] / ring;
  const keyRows = rows.attention[segment.kv] / ring;
  const width = (segment.width * rows.sequences) / (sp * tp);
  const outputs = queryRows * width;
  const blockBytes = 2 * keyRows * width * ACTIVATION_BYTES;
  const part = (index: number): ComputeSegment => ({
    kind: 'compute',
    name: `${segment.name} part ${index}`,
    class: 'attention',
    flops: 4 * queryRows * keyRows * width,
    bytes: (2 * queryRows + 2 * keyRows) * width * ACTIVATION_BYTES,
    kernels: 1,
    attention: { queryRows, keyRows, heads: (heads * rows.sequences) / (sp * tp) },
  });
  const merge = (index: number): ComputeSegment => ({
    kind: 'compute',
    name: `merge of part ${index}`,
    class: 'elementwise',
    flops: 0,
    // The first part's output becomes the accumulator, later ones are added to it, and the last sum is written as it is read on.
    bytes:
      outputs * (ACTIVATION_BYTES + ACCUMULATOR_BYTES * (index === 1 ? 1 : 2)) +
      (index === ring ? outputs * (ACCUMULATOR_BYTES + ACTIVATION_BYTES) : 0),
    kernels: index === ring ? 2 : 1,
  });
  const send = (index: number): CollectiveSegment => ({
    kind: 'collective',
    name: `K/V send ${index}`,
    // NCCL makes its all-to-all of the same sends and receives, so it has their rate and start-up.
    collective: 'all-to-all',
    sentBytes: blockBytes,
    // The first send goes out of Q, K and V as they are; later ones out of what was received, into another buffer.
    bufferBytes: index === 1 ? blockBytes : 2 * blockBytes,
    ...(sp * tp > 1 && { members: { ranks: ring, stride: sp * tp } }),
    toNeighbour: true,
  });
  return Array.from({ length: ring }, (_, place) => place + 1).flatMap((index): Segment[] =>
    index === ring
      ? [part(index), merge(index)]
      : [
          {
            kind: 'overlapped',
            name: `${segment.name} part ${index}`,
            collective: send(index),
            compute: [part(index), merge(index)],
          },
        ],
  );
}

/** Bytes of the accumulator of an attention's output on one rank. */
export function ringAccumulatorBytes({ q, width }: AttentionSegment, rows: RankRows, tp: number): number {
  return (rows.gemm[q] * width * ACCUMULATOR_BYTES) / tp;
}

/** Whether the K and V of an attention are divided over ranks, so that they change hands; else every rank holds all of them. */
export function isExchanged(kind: DitBlockKind, { q, kv }: AttentionSegment): boolean {
  return kind.segments.some(
    (segment) =>
      segment.kind === 'exchange' &&
      segment.attention === 'self' &&
      segment.rows === q &&
      segment.kvRows === kv,
  );
}

/** @throws UserError where K and V that go round do not fit the style of the exchange, or the model has none that could. */
export function checkRing(dit: Dit, { ring, exchange }: ParallelLayout): void {
  if (exchange === 'kv-gather' || exchange === 'separate-cross') {
    const why =
      exchange === 'kv-gather'
        ? 'gathers all K and V on every rank, so that none are left to go round'
        : 'exchanges the text of cross-attention, which ring attention has on every rank';
    throw new UserError(
      `--ring ${ring} --exchange ${exchange}: ${exchange} ${why}; give --exchange packed or separate, or leave out --ring`,
    );
  }
  const attends = dit.blocks.some((kind) =>
    kind.segments.some((segment) => segment.kind === 'attention' && isExchanged(kind, segment)),
  );
  if (attends) return;
  throw new UserError(
    `--ring ${ring}: no attention of ${dit.name} says that its K and V are exchanged (\`exchange: in\`); leave out --ring`,
  );
}

import type { AttentionSegment } from '../../model/dit/dit.ts';
import { whole } from '../escape.ts';
import type { Band, BlockContext } from './blockContext.ts';

/** Attention of the stream to itself, joint or of the image alone, or of the image to the text. */
export function emitAttention(block: BlockContext, segment: AttentionSegment): void {
  const { hidden, heads, sp, tp, exchange } = block.shape;
  const { headDim } = block;
  if (segment.width !== hidden) {
    block.refuse(
      segment,
      `there is no kernel for attention of width ${segment.width} beside a stream of ${hidden}`,
    );
  }
  if (segment.kv === 't' && segment.q === 'x') {
    block.out.declare('cross attended', block.rows('x'), block.localWidth);
    const out = block.setBand('cross attended', { buffer: 'cross attended', stride: block.localWidth });
    attend(
      block,
      { queries: block.rows('x'), keys: block.rows('t'), heads: heads / tp, headDim },
      block.band('cross q'),
      block.band('cross k'),
      block.band('cross v'),
      out,
    );
  } else if (segment.q !== segment.kv || segment.q === 't') {
    block.refuse(segment, `there is no kernel for attention of ${segment.q} to ${segment.kv}`);
  } else {
    const rows = block.attendedRows;
    const exchanges = sp > 1 && exchange !== 'kv-gather';
    const width = exchanges ? block.localWidth / sp : block.localWidth;
    if (exchanges) {
      block.out.declare('attended heads', rows * sp, width);
      block.setBand('attended heads', { buffer: 'attended heads', stride: width });
    } else declareAttended(block);
    // Gathered keys and values are read from the first rank's on.
    const fromFirst = (name: string) => ({ ...block.band(name), perRank: 0 });
    attend(
      block,
      {
        queries: exchanges ? rows * sp : rows,
        keys: sp > 1 ? rows * sp : rows,
        heads: heads / tp / (exchanges ? sp : 1),
        headDim,
      },
      block.band(exchanges ? 'received q' : 'q'),
      exchanges ? block.band('received k') : fromFirst('k'),
      exchanges ? block.band('received v') : fromFirst('v'),
      block.band(exchanges ? 'attended heads' : 'attended'),
    );
  }
}

/** A place for the attention's output, unless it has one beside the MLP's inner activation. */
export function declareAttended(block: BlockContext): void {
  if (block.hasBand('attended') && block.band('attended').buffer === 'attended and inner') return;
  block.out.declare('attended', block.attendedRows, block.localWidth);
  block.setBand('attended', { buffer: 'attended', stride: block.localWidth });
}

function attend(
  block: BlockContext,
  size: { queries: number; keys: number; heads: number; headDim: number },
  q: Band,
  k: Band,
  v: Band,
  out: Band,
): void {
  block.out.call(
    'attention',
    [
      `{.queryRows = ${whole(size.queries)}, .keyRows = ${whole(size.keys)}, .heads = ${whole(size.heads)}, ` +
        `.headDim = ${whole(size.headDim)}, .qStride = ${whole(q.stride)}, .kStride = ${whole(k.stride)}, ` +
        `.vStride = ${whole(v.stride)}, .outStride = ${whole(out.stride)}}`,
      ...[q, k, v, out].map((band) => block.out.at(band.buffer, band.column, band.perRank)),
    ],
    `${size.queries} queries, ${size.keys} keys, ${size.heads} heads of ${size.headDim}`,
  );
}

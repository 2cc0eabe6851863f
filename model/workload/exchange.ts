import type { ExchangeSegment } from '../dit/dit.ts';
import type { RankRows } from './rows.ts';
import {
  ACTIVATION_BYTES,
  type CollectiveSegment,
  type ComputeSegment,
  type ParallelLayout,
  type Segment,
} from './workload.ts';

/**
 * The collectives of one exchange point under sequence parallelism P, as the layout's style issues them.
 *
 * One exchanged tensor is [batch, rows/P, width] on each rank, b x rows x width x e / P bytes, of which (P-1)/P
 * leaves (Ulysses). With ring attention of degree R it is [batch, rows/(P x R), width], and only the P ranks of a group exchange it.
 * Styles: `packed` one all-to-all for Q, K, V; `separate` three; `separate-cross` exchanges
 * the cross-attention as well, with P copies of the text gathered, as SGLang did until February 2026;
 * `kv-gather` all-gathers K and V and moves no output.
 */
export function exchangeCollectives(
  exchange: ExchangeSegment,
  rows: RankRows,
  { exchange: style, tp }: ParallelLayout,
): Segment[] {
  if (exchange.attention === 'cross' && style !== 'separate-cross') return [];
  const { sp, ring, sequences } = rows;
  const tensorBytes = (tensorRows: number, width = exchange.width) =>
    (tensorRows * sequences * (width / tp) * ACTIVATION_BYTES) / (sp * ring);
  const own = rows.attention[exchange.rows];
  const kv =
    exchange.attention === 'cross' ? rows.attention[exchange.kvRows] * sp : rows.attention[exchange.kvRows];
  // Where tensor-parallel or ring ranks are there as well, these meet in groups of their own.
  const members = tp * ring > 1 && { members: { ranks: sp, stride: tp } };
  const allToAll = (name: string, bytes: number): CollectiveSegment => ({
    kind: 'collective',
    name,
    collective: 'all-to-all',
    sentBytes: (bytes * (sp - 1)) / sp,
    bufferBytes: 2 * bytes,
    ...members,
  });

  if (style === 'kv-gather') {
    if (exchange.direction === 'out') return [];
    return ['K', 'V'].map((name) => ({
      kind: 'collective',
      name: `${name} all-gather`,
      collective: 'all-gather',
      sentBytes: tensorBytes(kv, exchange.kvWidth) * (sp - 1),
      bufferBytes: tensorBytes(kv, exchange.kvWidth) * (1 + sp),
      ...members,
    }));
  }
  if (exchange.direction === 'out') {
    return [allToAll('output all-to-all', tensorBytes(own)), relayout('output relayout', tensorBytes(own))];
  }
  const q = tensorBytes(own);
  const k = tensorBytes(kv, exchange.kvWidth);
  const before = relayout('QKV relayout', q + 2 * k);
  return style === 'packed'
    ? [before, allToAll('QKV all-to-all', q + 2 * k)]
    : [before, allToAll('Q all-to-all', q), allToAll('K all-to-all', k), allToAll('V all-to-all', k)];
}

/** Moving heads and rows around in device memory beside an exchange: one read and one write. */
function relayout(name: string, bytes: number): ComputeSegment {
  const moved = { flops: 0, bytes: 2 * bytes, kernels: 1 };
  return { kind: 'compute', name, class: 'elementwise', kernel: 'relayout', ...moved };
}

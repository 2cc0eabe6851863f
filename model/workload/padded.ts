import { rowsAt } from '../dit/tokens.ts';
import { rebound } from './bind.ts';
import type { BoundWorkload } from './workload.ts';

/** The workload with rows rounded up to what every rank of a sequence-parallel group can hold alike, as implementations pad them. */
export function paddedToRanks(workload: BoundWorkload): BoundWorkload {
  const { model, size, layout, tokens, textRows } = workload;
  const joined = model.blocks.some((kind) =>
    kind.segments.some((segment) => segment.kind === 'exchange' && segment.rows === 'j'),
  );
  const padded = (rows: number, over: number) => Math.ceil(rows / over) * over;
  const shards = layout.sp * layout.ring;
  const x = padded(tokens, shards);
  const t = padded(textRows, joined ? shards : 1);
  if (x === tokens && t === textRows) return workload;
  return rebound(workload, { ...rowsAt(model, x, size.frames), t });
}

import { rowsAt } from '../dit/tokens.ts';
import { bindRows } from './bind.ts';
import type { BoundWorkload } from './workload.ts';

/** The workload with rows rounded up to what every rank of a sequence-parallel group can hold alike, as implementations pad them. */
export function paddedToRanks(workload: BoundWorkload): BoundWorkload {
  const { model, size, batch, layout, tokens, textRows, referenceImages } = workload;
  const joined = model.blocks.some((kind) =>
    kind.segments.some((segment) => segment.kind === 'exchange' && segment.rows === 'j'),
  );
  const padded = (rows: number, over: number) => Math.ceil(rows / over) * over;
  const x = padded(tokens, layout.sp);
  const t = padded(textRows, joined ? layout.sp : 1);
  if (x === tokens && t === textRows) return workload;
  return bindRows(
    model,
    { ...rowsAt(model, x, size.frames), t },
    { size, batch, referenceImages, ...layout },
  );
}

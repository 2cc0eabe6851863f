import { dealChunks } from '../model/plan/windows.ts';

/** How a block's bytes are dealt to the windows of the block that runs meanwhile. */
export type WindowRule =
  /** All at once, yielding to nothing. */
  | 'open'
  /** In proportion to the windows' lengths; what they cannot hold goes beside collectives, and the rest last. */
  | 'even'
  /** The same in whole chunks. */
  | 'chunks'
  /** Window by window as much as it holds, the first or the last one first. */
  | 'early'
  | 'late';

export const WINDOW_RULES: readonly WindowRule[] = ['even', 'chunks', 'early', 'late', 'open'];

/** What the windows of a running block hold. */
export interface WindowRoom {
  /** Bytes that can be copied while each window computes: before the first collective, between the first and the second, ... */
  holdsBytes: readonly number[];
  /** Bytes that can be copied beside the collective that ends each window but the last, where that costs less than waiting. */
  besideBytes: readonly number[];
}

/** Bytes are dealt in units of this: finer makes no difference to a link of any speed. */
export const GRAIN_BYTES = 64 * 1024;

/**
 * Bytes for each window of the running block; their sum is `bytes`.
 *
 * @example dealWindows('early', 100 MiB, 16 MiB, { holdsBytes: [80 MiB, 40 MiB], besideBytes: [0] }) // [80, 20] MiB
 */
export function dealWindows(
  rule: WindowRule,
  bytes: number,
  chunkBytes: number,
  { holdsBytes, besideBytes }: WindowRoom,
): number[] {
  const holds = sum(holdsBytes);
  switch (rule) {
    case 'open':
      return holdsBytes.map((_, window) => (window === 0 ? bytes : 0));
    case 'chunks':
      return bytes <= holds || !Number.isFinite(chunkBytes)
        ? dealChunks(bytes, chunkBytes, holds === 0 ? [1] : holdsBytes)
        : dealChunks(bytes, chunkBytes, overfull(bytes, holdsBytes, besideBytes));
    case 'even':
      if (bytes > holds) return inGrains(bytes, overfull(bytes, holdsBytes, besideBytes));
      return inGrains(
        bytes,
        holdsBytes.map((held) => (bytes * held) / holds),
      );
    case 'early':
    case 'late': {
      if (bytes > holds) return inGrains(bytes, overfull(bytes, holdsBytes, besideBytes));
      const order = [...holdsBytes.keys()];
      if (rule === 'late') order.reverse();
      const dealt = holdsBytes.map(() => 0);
      let left = bytes;
      for (const window of order) {
        dealt[window] = Math.min(left, holdsBytes[window]!);
        left -= dealt[window]!;
      }
      return inGrains(bytes, dealt);
    }
  }
}

/** Full windows, what fits beside collectives with the windows before them, and the rest in the last one, where it is waited for. */
function overfull(bytes: number, holdsBytes: readonly number[], besideBytes: readonly number[]): number[] {
  const excess = bytes - sum(holdsBytes);
  const beside = sum(besideBytes);
  const share = beside === 0 ? 0 : Math.min(1, excess / beside);
  return holdsBytes.map((held, window) => {
    const more =
      window < holdsBytes.length - 1 ? share * (besideBytes[window] ?? 0) : Math.max(0, excess - beside);
    return held + more;
  });
}

/** Rounded to grains, with what that leaves in the longest window, so that no window gets crumbs. */
function inGrains(bytes: number, exact: readonly number[]): number[] {
  const dealt = exact.map((part) => Math.floor(part / GRAIN_BYTES) * GRAIN_BYTES);
  const longest = dealt.indexOf(Math.max(...dealt));
  dealt[longest]! += bytes - sum(dealt);
  return dealt;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

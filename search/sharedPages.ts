/** Which blocks keep a page more where the pages of a class are no multiple of its blocks. */
export type Arrangement = 'front' | 'spread';

export const ARRANGEMENTS: readonly Arrangement[] = ['front', 'spread'];

/**
 * The arrangement that is the faster one wherever the two differ by more than a hair, which they do where a page decides whether a
 * copy hides. With two buffers a copy starts when the block before its own does, whatever was hidden before, so that blocks that
 * hide lie best in a row: after each that does not, the link is idle and starts up anew. With more buffers copies run ahead, and
 * blocks that hide with time to spare make up for those around them.
 */
export function usualArrangement(slots: number): Arrangement {
  return slots <= 2 ? 'front' : 'spread';
}

/**
 * Pages of each block of a class that keeps `pages` in sum: equally many but for one, which the first blocks keep, or as evenly
 * spread ones, the first among them.
 *
 * @example sharedPages(9, 4, 'front') // [3, 2, 2, 2]
 * @example sharedPages(10, 4, 'spread') // [3, 2, 3, 2]
 */
export function sharedPages(pages: number, blocks: number, arrangement: Arrangement): number[] {
  const each = Math.floor(pages / blocks);
  const more = pages - each * blocks;
  return Array.from({ length: blocks }, (_, place) =>
    keepsMore(place, more, blocks, arrangement) ? each + 1 : each,
  );
}

function keepsMore(place: number, more: number, blocks: number, arrangement: Arrangement): boolean {
  if (arrangement === 'front') return place < more;
  return Math.ceil(((place + 1) * more) / blocks) > Math.ceil((place * more) / blocks);
}

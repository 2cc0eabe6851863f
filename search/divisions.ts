/**
 * Bytes of each window, in every way that whole chunks can be divided among windows; the last chunk, perhaps a short one, is in the
 * last window that has any.
 *
 * @example divisions(40, 16, 2) // [[40, 0], [32, 8], [16, 24], [0, 40]]
 */
export function divisions(bytes: number, chunkBytes: number, windows: number): number[][] {
  const chunk = Math.min(chunkBytes, bytes);
  const count = Math.ceil(bytes / chunk);
  return compositions(count, windows).map((chunks) => {
    const dealt = chunks.map((held) => held * chunk);
    dealt[chunks.findLastIndex((held) => held > 0)]! -= count * chunk - bytes;
    return dealt;
  });
}

/** How many those are, without making them. */
export function countDivisions(bytes: number, chunkBytes: number, windows: number): number {
  const count = Math.ceil(bytes / Math.min(chunkBytes, bytes));
  let ways = 1;
  for (let one = 1; one < windows; one += 1) ways = (ways * (count + one)) / one;
  return Math.round(ways);
}

/**
 * What windows hold when the last bytes of all are not copied.
 *
 * @example withoutLast([40, 8], 10) // [38, 0]
 */
export function withoutLast(windowBytes: readonly number[], bytes: number): number[] {
  let left = bytes;
  return [...windowBytes]
    .reverse()
    .map((held) => {
      const taken = Math.min(left, held);
      left -= taken;
      return held - taken;
    })
    .reverse();
}

/** One of each list, in every combination; of the last list they vary fastest. */
export function everyChoice<T>(lists: readonly (readonly T[])[]): T[][] {
  return lists.reduce<T[][]>(
    (chosen, list) => chosen.flatMap((before) => list.map((one) => [...before, one])),
    [[]],
  );
}

/** Ways to write a count as a sum of so many parts, none of them negative, most in the first part first. */
function compositions(count: number, parts: number): number[][] {
  if (parts === 1) return [[count]];
  return Array.from({ length: count + 1 }, (_, rest) =>
    compositions(rest, parts - 1).map((others) => [count - rest, ...others]),
  ).flat();
}

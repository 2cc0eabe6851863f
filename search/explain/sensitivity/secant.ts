/** A slope between two neighbours of a point, and the slopes on its two sides, each per whole of what was varied. */
export interface Secant {
  slope: number;
  below: number;
  above: number;
}

/**
 * Slopes of a time in the logarithm of a factor on some number, from the factors 1 - share and 1 + share.
 *
 * @param timeAt seconds at a factor.
 * @param share how far to each side.
 */
export function secantOf(timeAt: (factor: number) => number, share: number): Secant {
  const here = timeAt(1);
  const below = (here - timeAt(1 - share)) / share;
  const above = (timeAt(1 + share) - here) / share;
  return { slope: (below + above) / 2, below, above };
}

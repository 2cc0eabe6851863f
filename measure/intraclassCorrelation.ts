import { quantileSorted } from 'simple-statistics';
import { grouped } from '../model/input/grouped.ts';

const ROTATIONS = 2000;

/** The share of a variance that repeats from pass to pass, with what the same passes give where nothing is repeated. */
export interface IntraclassCorrelation {
  /** Readings per pass. */
  items: number;
  share: number;
  /** The share after each of `ROTATIONS` random rotations of the passes. */
  rotated: readonly number[];
}

/**
 * Intraclass correlation of items that were read in several passes: mean covariance of two passes over the mean variance of one
 * (1: every pass reads the same; 0: no more alike than chance; negative down to -1 / (passes - 1)).
 *
 * Readings that drift resemble their neighbours, so that shuffled items would underrate what chance does. The null
 * distribution is of rotations instead: each pass is rotated by a random number of items, which keeps its drift and
 * takes from every item what it shares with itself in the other passes. Items that differ with a period also match
 * themselves a period further, which widens the range of chance. Means of groups and passes count for nothing.
 *
 * @param passes readings by pass, then item, in the order in which they were read.
 * @param groups of each item; only items of one group are compared and rotated into each other.
 * @param random uniform numbers in [0, 1).
 * @returns null for a single pass, and where nothing varies.
 */
export function intraclassCorrelation(
  passes: readonly (readonly number[])[],
  groups: readonly number[],
  random: () => number,
): IntraclassCorrelation | null {
  const centred = passes.map((pass) => centredInGroups(pass, groups));
  const square = centred.flat().reduce((sum, value) => sum + value ** 2, 0);
  if (passes.length < 2 || square === 0) return null;
  const members = membersOf(groups);
  const shareOf = (readings: readonly (readonly number[])[]) => {
    const squareOfSums = groups.reduce(
      (sum, _, item) => sum + readings.reduce((total, pass) => total + pass[item]!, 0) ** 2,
      0,
    );
    return (squareOfSums - square) / ((passes.length - 1) * square);
  };
  const rotated = Array.from({ length: ROTATIONS }, () =>
    shareOf(centred.map((pass) => rotatedInGroups(pass, members, random()))),
  );
  return { items: groups.length, share: shareOf(centred), rotated };
}

/** Several experiments as one: the mean weighted by their items, rotation by rotation. Null of none. */
export function pooledCorrelation(parts: readonly IntraclassCorrelation[]): IntraclassCorrelation | null {
  if (parts.length === 0) return null;
  const items = parts.reduce((sum, part) => sum + part.items, 0);
  const mean = (value: (part: IntraclassCorrelation) => number) =>
    parts.reduce((sum, part) => sum + value(part) * part.items, 0) / items;
  return {
    items,
    share: mean(({ share }) => share),
    rotated: parts[0]!.rotated.map((_, index) => mean(({ rotated }) => rotated[index]!)),
  };
}

/** Where 95 % of the shares lie that rotations give: a share within says that nothing but drift was found. */
export function chanceRange({ rotated }: IntraclassCorrelation): [least: number, most: number] {
  const sorted = [...rotated].sort((a, b) => a - b);
  return [quantileSorted(sorted, 0.025), quantileSorted(sorted, 0.975)];
}

/** Values less the mean of their group. */
export function centredInGroups(values: readonly number[], groups: readonly number[]): number[] {
  const centred = [...values];
  for (const items of membersOf(groups)) {
    const mean = items.reduce((sum, item) => sum + values[item]!, 0) / items.length;
    for (const item of items) centred[item]! -= mean;
  }
  return centred;
}

/** @param by share of each group's length. */
function rotatedInGroups(
  pass: readonly number[],
  members: readonly (readonly number[])[],
  by: number,
): number[] {
  const rotated = [...pass];
  for (const items of members) {
    const offset = Math.floor(by * items.length);
    for (const [index, item] of items.entries())
      rotated[item] = pass[items[(index + offset) % items.length]!]!;
  }
  return rotated;
}

function membersOf(groups: readonly number[]): number[][] {
  return [...grouped(groups.keys(), (item) => groups[item]!).values()];
}

import type { FusionGroup, Matrix } from './blockMatrices.ts';

/**
 * Whether stored matrices are those of some groups, fused or in pieces, in whatever order: every group's rows are made up of stored
 * matrices of its columns, and none of these is in two groups. Matrices that are in no group are `left`.
 *
 * @param mayLeave whether matrices may be left over.
 * @returns indices of the matrices that are left, or nothing where the groups cannot be made up.
 */
export function tile(
  stored: readonly Matrix[],
  groups: readonly FusionGroup[],
  mayLeave: boolean,
): number[] | undefined {
  const left: number[] = [];
  const allColumns = new Set([...stored, ...groups].map(({ columns }) => columns));
  for (const columns of allColumns) {
    const own = stored.flatMap((matrix, index) =>
      matrix.columns === columns ? [{ index, rows: matrix.rows }] : [],
    );
    const wanted = groups.filter((group) => group.columns === columns);
    const surplus = sum(own.map(({ rows }) => rows)) - sum(wanted.flatMap(({ parts }) => parts));
    if (surplus < 0 || (surplus > 0 && !mayLeave)) return undefined;
    const found = fill(
      own.sort((a, b) => b.rows - a.rows),
      wanted,
      surplus,
    );
    if (found === undefined) return undefined;
    for (const index of found) left.push(index);
  }
  return left;
}

interface Bin {
  room: number;
  /** Rows of the smallest matrix that may be put in. */
  least: number;
}

/** Puts matrices, largest first, into groups until all are full; the last bin takes what is left over. */
function fill(
  own: readonly { index: number; rows: number }[],
  groups: readonly FusionGroup[],
  surplus: number,
): number[] | undefined {
  const bins: Bin[] = groups.map(({ parts, divides }) => ({
    room: sum(parts),
    least: divides ? 1 : Math.min(...parts),
  }));
  const hopeless = new Set<string>();
  const place = (at: number, leftRoom: number): number[] | undefined => {
    if (at === own.length) return [];
    const state = `${at} ${leftRoom} ${bins.map(({ room, least }) => `${room}/${least}`).sort()}`;
    if (hopeless.has(state)) return undefined;
    const { index, rows } = own[at]!;
    const tried = new Set<string>();
    for (const bin of bins) {
      const key = `${bin.room}/${bin.least}`;
      if (bin.room < rows || rows < bin.least || tried.has(key)) continue;
      tried.add(key);
      bin.room -= rows;
      const rest = place(at + 1, leftRoom);
      bin.room += rows;
      if (rest !== undefined) return rest;
    }
    if (leftRoom >= rows) {
      const rest = place(at + 1, leftRoom - rows);
      if (rest !== undefined) return [index, ...rest];
    }
    hopeless.add(state);
    return undefined;
  };
  return place(0, surplus);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

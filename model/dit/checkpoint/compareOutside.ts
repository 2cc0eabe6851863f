import type { DitSource } from '../derive.ts';
import { matrixOf } from './blockMatrices.ts';
import type { Weight } from './weights.ts';

/** What makes a model near: the widths of what comes in and goes out, far more than how much of it is alike. */
export const SAME_WIDTHS = 4;
const SAME_OUTSIDE = 0.5;

/**
 * What stands outside the blocks of a checkpoint and of a catalogue model: how much is alike, and what is not. Matrices are told by
 * their columns and all rows together, so that it does not matter what is fused.
 */
export function compareOutside(
  stored: readonly Weight[],
  { outside }: DitSource,
): { alike: number; differences: string[] } {
  const [own, catalogue] = [rowsByColumns(stored), rowsByColumns(outside)];
  const columns = [...new Set([...own.keys(), ...catalogue.keys()])].sort((a, b) => a - b);
  const elements = (of: 'min' | 'max') =>
    columns.reduce((sum, side) => sum + side * Math[of](own.get(side) ?? 0, catalogue.get(side) ?? 0), 0);
  const listed = (sides: readonly number[]) => sides.map((side) => side.toLocaleString('en-US')).join(', ');
  const more = columns.filter((side) => !catalogue.has(side));
  const fewer = columns.filter((side) => !own.has(side));
  const other = columns.filter(
    (side) => own.has(side) && catalogue.has(side) && own.get(side) !== catalogue.get(side),
  );
  const shared = columns.length - more.length - fewer.length;
  return {
    alike:
      columns.length === 0
        ? 0
        : (SAME_WIDTHS * shared) / columns.length + (SAME_OUTSIDE * elements('min')) / elements('max'),
    differences: [
      ...(more.length > 0 ? [`it has matrices of ${listed(more)} inputs outside the blocks`] : []),
      ...(fewer.length > 0 ? [`it lacks those of ${listed(fewer)} inputs`] : []),
      ...(other.length > 0 ? [`more or fewer outputs of those of ${listed(other)} inputs`] : []),
    ],
  };
}

/** Rows of all matrices together by their columns, the widths that they read. */
export function rowsByColumns(weights: readonly { shape: readonly number[] }[]): Map<number, number> {
  const rows = new Map<number, number>();
  for (const { shape } of weights) {
    const matrix = matrixOf(shape);
    if (matrix !== undefined) rows.set(matrix.columns, (rows.get(matrix.columns) ?? 0) + matrix.rows);
  }
  return rows;
}

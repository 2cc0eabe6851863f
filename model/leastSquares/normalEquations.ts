import { mathjs } from '../input/math.ts';

/** J^T W J and -J^T W r of weighted rows. */
export interface NormalEquations {
  matrix: number[][];
  side: number[];
}

/** @param weights of each row: squared residuals count so much. */
export function normalEquations(
  jacobian: readonly (readonly number[])[],
  residuals: readonly number[],
  weights: readonly number[],
): NormalEquations {
  const count = jacobian[0]?.length ?? 0;
  const matrix = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  const side = new Array<number>(count).fill(0);
  for (const [row, slopes] of jacobian.entries()) {
    const weight = weights[row]!;
    for (let i = 0; i < count; i += 1) {
      side[i]! -= weight * slopes[i]! * residuals[row]!;
      for (let j = 0; j <= i; j += 1) matrix[i]![j]! += weight * slopes[i]! * slopes[j]!;
    }
  }
  for (let i = 0; i < count; i += 1) for (let j = i + 1; j < count; j += 1) matrix[i]![j] = matrix[j]![i]!;
  return { matrix, side };
}

/** The step that solves (matrix + damping x its diagonal) step = side; null where that is singular. */
export function dampedStep({ matrix, side }: NormalEquations, damping: number): number[] | null {
  const damped = matrix.map((row, i) => row.map((value, j) => (i === j ? value * (1 + damping) : value)));
  const math = mathjs();
  try {
    const solved = (math.lusolve(damped, side) as unknown as number[][]).map(([value]) => value!);
    return solved.every(Number.isFinite) ? solved : null;
  } catch {
    return null;
  }
}

/** The inverse; null where there is none. */
export function inverse(matrix: readonly (readonly number[])[]): number[][] | null {
  const math = mathjs();
  try {
    const inverted = math.inv(matrix.map((row) => [...row])) as number[][];
    return inverted.flat().every(Number.isFinite) ? inverted : null;
  } catch {
    return null;
  }
}

/** Eigenvalues and -vectors, of length one, of a symmetric matrix. */
export function eigen(matrix: readonly (readonly number[])[]): { value: number; vector: number[] }[] {
  const { eigenvectors } = mathjs().eigs(matrix.map((row) => [...row])) as unknown as {
    eigenvectors: { value: number; vector: number[] }[];
  };
  return eigenvectors.map(({ value, vector }) => ({ value: Number(value), vector: [...vector].map(Number) }));
}

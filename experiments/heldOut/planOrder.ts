import type { ComparedStep } from './compareSteps.ts';

/** Plans this close have no order either: windows of a warm-up count as steady when they agree so well. */
const LEAST_APART = 0.01;

/** How well predictions order the plans of one workload. */
export interface PlanOrder {
  cell: string;
  right: number;
  wrong: number;
  /** Pairs that measure within 1 %, or closer than their noise floors together: they have no order to get right. */
  withoutOrder: number;
  /** (right - wrong) / (right + wrong); null where no pair has an order. */
  kendallTau: number | null;
}

/** Compares every pair of plans of each cell and mode. */
export function planOrders(
  steps: readonly ComparedStep[],
  predictedS: (step: ComparedStep) => number,
): PlanOrder[] {
  const cells = new Map<string, ComparedStep[]>();
  for (const step of steps) {
    const cell = `${step.run.cell.id}, ${step.run.mode}`;
    cells.set(cell, [...(cells.get(cell) ?? []), step]);
  }
  return [...cells].map(([cell, own]) => orderOf(cell, own, predictedS));
}

function orderOf(
  cell: string,
  steps: readonly ComparedStep[],
  predictedS: (step: ComparedStep) => number,
): PlanOrder {
  const count = { right: 0, wrong: 0, withoutOrder: 0 };
  for (const [index, one] of steps.entries()) {
    for (const other of steps.slice(index + 1)) {
      const [faster, slower] = one.run.stepS <= other.run.stepS ? [one, other] : [other, one];
      const apart = slower.run.stepS / faster.run.stepS - 1;
      if (apart <= Math.max(LEAST_APART, (one.noise ?? 0) + (other.noise ?? 0))) count.withoutOrder += 1;
      else if (predictedS(faster) < predictedS(slower)) count.right += 1;
      else count.wrong += 1;
    }
  }
  const ordered = count.right + count.wrong;
  return { cell, ...count, kendallTau: ordered === 0 ? null : (count.right - count.wrong) / ordered };
}

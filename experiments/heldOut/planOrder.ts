import { mean } from 'simple-statistics';
import { type ComparedStep, samplesOf } from './compareSteps.ts';
import { kendallTauB } from './kendallTauB.ts';

/** Plans this close have no order either: windows of a warm-up count as steady when they agree so well. */
const LEAST_APART = 0.01;

/** How well predictions order the plans of one workload. */
export interface PlanOrder {
  cell: string;
  right: number;
  wrong: number;
  /** Pairs that measure within 1 %, or closer than their noise floors together: they have no order to get right. */
  withoutOrder: number;
  /** Kendall's tau of the pairs that have an order, (right - wrong) / (right + wrong); null where none has. */
  kendallTau: number | null;
  /** Kendall's tau-b of all pairs, measured ties and noise included; null for a single plan. */
  tauOfAllPairs: number | null;
}

/** Compares every pair of plans of each cell and mode; a plan that was measured in several runs counts once, by their mean. */
export function planOrders(
  steps: readonly ComparedStep[],
  predictedS: (step: ComparedStep) => number,
): PlanOrder[] {
  const cells = new Map<string, Map<string, ComparedStep[]>>();
  for (const step of steps) {
    const { cell, mode } = step.run;
    const plans = cells.get(`${cell.id}, ${mode}`) ?? new Map<string, ComparedStep[]>();
    cells.set(`${cell.id}, ${mode}`, plans);
    const samples = plans.get(samplesOf(step.run));
    if (samples === undefined) plans.set(samplesOf(step.run), [step]);
    else samples.push(step);
  }
  return [...cells].map(([cell, plans]) =>
    orderOf(
      cell,
      [...plans.values()].map((own) => ({
        measuredS: mean(own.map(({ run }) => run.stepS)),
        predictedS: predictedS(own[0]!),
        noise: own[0]!.noise ?? 0,
      })),
    ),
  );
}

interface OrderedPlan {
  measuredS: number;
  predictedS: number;
  noise: number;
}

function orderOf(cell: string, plans: readonly OrderedPlan[]): PlanOrder {
  const count = { right: 0, wrong: 0, withoutOrder: 0 };
  for (const [index, one] of plans.entries()) {
    for (const other of plans.slice(index + 1)) {
      const [faster, slower] = one.measuredS <= other.measuredS ? [one, other] : [other, one];
      const apart = slower.measuredS / faster.measuredS - 1;
      if (apart <= Math.max(LEAST_APART, one.noise + other.noise)) count.withoutOrder += 1;
      else if (faster.predictedS < slower.predictedS) count.right += 1;
      else count.wrong += 1;
    }
  }
  const ordered = count.right + count.wrong;
  return {
    ...{ cell, ...count },
    kendallTau: ordered === 0 ? null : (count.right - count.wrong) / ordered,
    tauOfAllPairs: kendallTauB(plans.map(({ predictedS, measuredS }) => [predictedS, measuredS])),
  };
}

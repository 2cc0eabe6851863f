import { mean, min } from 'simple-statistics';
import { grouped } from '../../model/input/grouped.ts';
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

/** All measurements of one plan of a workload in one mode, which count as one, by their mean. */
export interface PlanSamples {
  /** Cell and mode. */
  cell: string;
  measuredS: number[];
  predictedS: number;
  noise: number | null;
}

/** Measurements by `samplesOf`, in the order of their first ones. */
export class SamplesOfPlans {
  readonly #known = new Map<string, PlanSamples>();

  add({ run, noise }: ComparedStep, predictedS: number): PlanSamples {
    const key = samplesOf(run);
    let samples = this.#known.get(key);
    if (samples === undefined) {
      samples = { cell: `${run.cell.id}, ${run.mode}`, measuredS: [], predictedS, noise };
      this.#known.set(key, samples);
    }
    samples.measuredS.push(run.stepS);
    return samples;
  }

  /** Compares every pair of plans of each cell and mode. */
  orders(): PlanOrder[] {
    return [...grouped(this.#known.values(), ({ cell }) => cell)].map(([cell, plans]) =>
      orderOf(
        cell,
        plans.map(({ measuredS, predictedS, noise }) => ({
          ...{ measuredS: mean(measuredS), predictedS, noise: noise ?? 0 },
        })),
      ),
    );
  }

  /** Sets the noise that is known when all steps are there. */
  setNoises(noises: ReadonlyMap<string, number | null>): void {
    for (const [key, samples] of this.#known) samples.noise = noises.get(key) ?? null;
  }
}

/** Compares every pair of plans of each cell and mode; a plan that was measured in several runs counts once, by their mean. */
export function planOrders(
  steps: readonly ComparedStep[],
  predictedS: (step: ComparedStep) => number,
): PlanOrder[] {
  const samples = new SamplesOfPlans();
  for (const step of steps) samples.add(step, predictedS(step));
  return samples.orders();
}

/** A plan of a workload with the mean of its measurements. */
export interface OrderedPlan {
  measuredS: number;
  predictedS: number;
  noise: number;
}

/** Compares every pair of plans of one workload. */
export function orderOf(cell: string, plans: readonly OrderedPlan[]): PlanOrder {
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

/** Mean and least of several. */
export interface Spread {
  mean: number;
  least: number;
}

/** How well predictions order plans, over several workloads. */
export interface OrderSummary {
  /** Pairs of plans of one workload that measurements order, and all pairs. */
  decided: number;
  pairs: number;
  /** Kendall's tau of the workloads in which any pair has an order; null where none has. */
  kendallTau: Spread | null;
  /** Tau-b of all pairs; null where all plans of every workload are predicted alike. */
  tauOfAllPairs: Spread | null;
}

export function orderSummary(orders: readonly PlanOrder[]): OrderSummary {
  const sum = (of: (order: PlanOrder) => number) => orders.reduce((total, order) => total + of(order), 0);
  const decided = sum(({ right, wrong }) => right + wrong);
  return {
    ...{ decided, pairs: decided + sum(({ withoutOrder }) => withoutOrder) },
    kendallTau: spreadOf(orders.map(({ kendallTau }) => kendallTau)),
    tauOfAllPairs: spreadOf(orders.map(({ tauOfAllPairs }) => tauOfAllPairs)),
  };
}

function spreadOf(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : { mean: mean(known), least: min(known) };
}

import type { MeasuredPlan } from './measuredCells.ts';

/** A measured plan, and whether no other is better in memory or time without being worse in the other (Pareto). */
export interface CurvePoint extends MeasuredPlan {
  efficient: boolean;
}

/**
 * The trade of memory for time that was measured: all plans by memory, the efficient ones marked. Of plans that are equal in
 * both, all are.
 */
export function measuredCurve(plans: readonly MeasuredPlan[]): CurvePoint[] {
  const beats = (a: MeasuredPlan, b: MeasuredPlan) =>
    a.gpuBytes <= b.gpuBytes && a.stepS <= b.stepS && (a.gpuBytes < b.gpuBytes || a.stepS < b.stepS);
  return [...plans]
    .sort((a, b) => a.gpuBytes - b.gpuBytes || a.stepS - b.stepS)
    .map((plan) => ({ ...plan, efficient: !plans.some((other) => beats(other, plan)) }));
}

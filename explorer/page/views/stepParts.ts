import type { PlanReport } from '../../../documents/planReport.ts';

/** What a step is made of, one behind the other on its critical path. */
export const STEP_PARTS = [
  { kind: 'compute', name: 'compute' },
  { kind: 'collective', name: 'collectives' },
  { kind: 'inflation', name: 'collectives longer for copies' },
  { kind: 'exposed', name: 'waiting for weights' },
] as const;

export type StepPart = (typeof STEP_PARTS)[number]['kind'];

/** Seconds of each part; together the step. */
export function stepParts(report: PlanReport): Readonly<Record<StepPart, number>> {
  const { computeS, collectiveS, collectiveInflationS, exposedPrefetchS } = report;
  return {
    compute: computeS,
    collective: collectiveS - collectiveInflationS,
    inflation: collectiveInflationS,
    exposed: exposedPrefetchS,
  };
}

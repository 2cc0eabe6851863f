import type { Plan } from '../../model/plan/plan.ts';

/** A setting of a tool as its user reads it. */
export interface Wording {
  knobs: readonly { name: string; value: string }[];
  /** What to paste: flags, Python, or a node. */
  paste: string;
  notes: readonly string[];
}

/** One setting that a tool can be given, and how it would stream with it. */
export interface Candidate {
  plan: Plan;
  /**
   * Seconds that a step takes beyond what any predictor says of the plan, because the tool does what a plan cannot
   * express: copies that nothing hides, or (negative) memory that is faster than the plan's.
   */
  beyondPlanS: number;
  /** Page-locked host bytes of one rank; left out where it is what the plan needs. */
  hostPinnedBytes?: number;
  /** Written out for the chosen setting only. */
  wording: () => Wording;
}

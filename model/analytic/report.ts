/** Sizes from which a plan is as fast as no offload (within 1 %); null where the question has no answer. */
export interface BreakEven {
  tokens: number | null;
  frames: number | null;
  batch: number | null;
}

export const BOUNDS = ['compute', 'collectives', 'link', 'yield', 'memory', 'host-memory', 'host'] as const;
export type BoundBy = (typeof BOUNDS)[number];

/** Where one steady step of one rank goes. Seconds. */
export interface StepTimes {
  stepTimeS: number;
  /** Compute on the critical path, at the clock it runs at. */
  computeS: number;
  /** Collectives on the critical path, inflation included. */
  collectiveS: number;
  /** Time in which compute or a collective waits for weights and nothing else. */
  exposedPrefetchS: number;
  /** What collectives take longer than alone because H2D runs beside them. */
  collectiveInflationS: number;
  /** What the prefetch takes alone, at full rate, pauses included. */
  prefetchS: number;
}

/** What one plan costs: the answer of both the closed form and the simulator. */
export interface StepReport extends StepTimes {
  plan: string;
  transport: string;
  /** Seconds of compute in a step: the windows that prefetch could hide in. */
  windowS: number;
  gpuPeakBytes: number;
  hostPinnedBytes: number;
  boundBy: BoundBy;
  breakEven: BreakEven;
  /** Clock as a fraction of the highest; 1 where the machine file knows no power. */
  clock: number;
  /** Watts averaged over the step; null where the machine file knows no power. */
  powerW: number | null;
}

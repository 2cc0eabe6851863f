import { memoryNeed } from '../physics/memory.ts';
import { copyRates } from '../physics/rates.ts';
import type { Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import { closedForm, coldStep } from './closedForm.ts';

/** What is asked of a whole request, and what is known of it beside the steps. Seconds. */
export interface RequestFacts {
  steps: number;
  /** Before the first step: text encoders and the like. */
  beforeS: number;
  /** After the last: the VAE's decoder. */
  afterS: number;
  /** Of one switch between experts; null for what copying in the other expert's residents takes. */
  switchS: number | null;
}

/** The time of a whole request, and where it goes. Seconds. */
export interface RequestReport extends Omit<RequestFacts, 'switchS'> {
  totalS: number;
  stepS: number;
  /** What the first step takes longer: nothing is prefetched for it. */
  coldS: number;
  switches: number;
  /** Each. */
  switchS: number;
}

/**
 * A request of several steps: the first one cold, the others steady, a switch wherever the next expert takes over, and what comes before and
 * after as it was given. Weights are in page-locked host memory already, residents on the GPU.
 *
 * @param stepS of a steady step, from either road.
 * @param clock of that step.
 */
export function requestReport(
  workload: Workload,
  system: System,
  plan: Plan,
  { stepS, clock }: { stepS: number; clock: number },
  { steps, beforeS, afterS, switchS: given }: RequestFacts,
): RequestReport {
  const coldS = Math.max(
    0,
    coldStep(workload, system, plan, clock).stepTimeS - closedForm(workload, system, plan, clock).stepTimeS,
  );
  // A request of fewer steps than experts does not get to all of them.
  const switches = Math.min(steps, workload.experts + workload.waitingExperts) - 1;
  const switchS = switches === 0 ? 0 : (given ?? swapS(workload, system, plan) + coldS);
  return {
    ...{ steps, beforeS, afterS, stepS, coldS, switches, switchS },
    totalS: beforeS + coldS + steps * stepS + switches * switchS + afterS,
  };
}

/** Seconds in which the residents of an expert that waited are copied in; nothing computes meanwhile. */
function swapS(workload: Workload, system: System, plan: Plan): number {
  const { experts, waitingExperts, ranks } = workload;
  if (waitingExperts === 0) return 0;
  const { residentBytes, outsideBytes } = memoryNeed(workload, system, plan);
  const { h2d } = copyRates(system, ranks);
  return (residentBytes + outsideBytes) / experts / h2d;
}

import { predictStep } from '../model/analytic/stepReport.ts';
import { memoryNeed } from '../model/physics/memory.ts';
import type { Plan } from '../model/plan/plan.ts';
import { lower } from '../model/program/lower.ts';
import { verify } from '../model/program/verify.ts';
import type { System } from '../model/system/system.ts';
import type { BoundWorkload } from '../model/workload/workload.ts';
import { simulate } from '../sim/simulate.ts';
import { ditKindAt, type Layout } from './layOut.ts';
import { composePlan, stagesItself, stagingBytes } from './view/compose.ts';

/** The plans' views with their claims and what they are predicted to take. Bytes and seconds. */
export function composePlans(
  workload: BoundWorkload,
  system: System,
  plans: readonly Plan[],
  layout: Layout,
) {
  const { kinds } = layout;
  const kindAt = (position: number) =>
    kinds[workload.model.blocks.indexOf(ditKindAt(workload, position % workload.blocks.length))]!;
  const claimed = claimedWorkload(workload, layout);
  return plans.map((plan) => {
    const program = lower(workload, system, plan);
    const [violation] = verify(program);
    if (violation !== undefined) {
      throw new Error(`plan ${plan.name} must not run: ${violation.rule}: ${violation.message}`);
    }
    const need = memoryNeed(claimed, system, plan);
    const staging = stagesItself(plan, system) ? 2 * stagingBytes(kinds) : 0;
    const claim = { ...need, hostPinnedBytes: need.hostPinnedBytes + staging };
    for (const key of Object.keys(claim) as (keyof typeof claim)[]) claim[key] = Math.round(claim[key]);
    return {
      plan,
      claim,
      ...composePlan(workload, system, plan, program, kindAt),
      predictedStepS: predictStep(workload, system, plan).stepTimeS,
      simulatedStepS: simulate(workload, system, plan, { breakEven: false }).report.stepTimeS,
    };
  });
}

/** A workload as the runtime holds it in memory. */
export function claimedWorkload(
  workload: BoundWorkload,
  { activationBytes, inputBytes }: Layout,
): BoundWorkload {
  return {
    ...workload,
    ...{ experts: 1, waitingExperts: 0 },
    outsideBytes: workload.outsideBytes / workload.experts,
    activationBytes: activationBytes + inputBytes,
    // Buffers of collectives are among the activations.
    collectiveBufferBytes: 0,
  };
}

export type ComposedPlan = ReturnType<typeof composePlans>[number];

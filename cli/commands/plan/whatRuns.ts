import { refuseUnsuited } from '../../../codegen/attach/generateAttached.ts';
import { refuseUngenerated } from '../../../codegen/generate.ts';
import type { PlanChoice } from '../../../documents/planChoice.ts';
import { UserError } from '../../../model/input/userError.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import type { Scenario } from '../../../model/scenario/scenario.ts';
import { carrierByName } from '../../../model/system/transport.ts';
import { paddedToRanks } from '../../../model/workload/padded.ts';

/** What can run a plan: a generated program, a PyTorch model that it is attached to; or why not. */
export function whatRuns(scenario: Scenario, plan: Plan): PlanChoice['runs'] {
  const { workload, system } = scenario;
  return {
    generated:
      'profile' in scenario
        ? "a profile's blocks are your own model's: nothing is generated for them"
        : reason(() => refuseUngenerated(paddedToRanks(scenario.workload), system, plan)),
    attached: reason(() => refuseUnsuited(plan, workload)),
    ownTransport: workload.ranks > 1 && carrierByName(plan.transport) !== 'nccl',
  };
}

function reason(refuse: () => void): string | null {
  try {
    refuse();
    return null;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message.replace(/^generate: /, '');
  }
}

import type { Plan } from '../../model/plan/plan.ts';
import { openPlan, planOf, planText } from '../../model/plan/planFile.ts';
import { workloadOfProfiled } from '../../model/profile/profileWorkload.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { Workload } from '../../model/workload/workload.ts';
import { type AttachedModel, STAND_IN, standInTransport } from './generateAttached.ts';

export interface ProfiledPlan {
  workload: Workload;
  plan: Plan;
  model: AttachedModel;
  /** The plan as a file of its own. */
  text: string;
}

/**
 * Reads a plan of a profiled model, with as much of its workload as it takes along. Its transport may be one that only the user's
 * machine has: the model's own collectives are not looked into.
 *
 * @throws UserError with the place of what does not fit, and for a plan of another model than a profiled one.
 */
export function readProfiledPlan(file: string): ProfiledPlan {
  const { document, place } = openPlan(file);
  const workload = workloadOfProfiled(document);
  const carried = { ...document, transport: standInTransport(document, workload) };
  const plan = planOf({ document: carried, place }, workload, loadSystem(STAND_IN));
  return {
    workload,
    plan: { ...plan, transport: document.transport },
    model: { id: document.model, layout: workload.profiled.fingerprint },
    text: planText({ ...plan, transport: document.transport }, workload),
  };
}

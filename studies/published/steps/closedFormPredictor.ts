import { predictStep } from '../../../model/analytic/stepReport.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { catalogueCase } from './catalogueCase.ts';
import type { StepPrediction } from './compareRecords.ts';
import { type NotPredicted, recordWorkload } from './recordWorkload.ts';
import type { StepRecord } from './stepFormat.ts';

/** The closed form of a record on the catalogued machine of its card. It commits itself to no interval. */
export function closedFormPredictor(record: StepRecord): StepPrediction | NotPredicted {
  const workload = recordWorkload(record);
  if ('reason' in workload) return workload;
  const found = catalogueCase(record, workload.ranks);
  if ('reason' in found) return found;
  const system = loadSystem(found.machine);
  const plan = makePlan(found.plan, workload, system, found.transport);
  return { stepS: predictStep(workload, system, plan).stepTimeS };
}

import type { ComputeMode } from '../../../model/workload/computeMode.ts';
import type { BoundWorkload } from '../../../model/workload/workload.ts';
import { isNotPredicted, type NotPredicted } from './notPredicted.ts';
import { computeModes } from './recordCompute.ts';
import { type RecordMachine, recordMachine } from './recordMachine.ts';
import { planOf } from './recordPlan.ts';
import { recordWorkload } from './recordWorkload.ts';
import type { StepRecord } from './stepFormat.ts';

/** What a record whose settings are closed asks of a predictor. */
export interface RecordCase {
  workload: BoundWorkload;
  machine: RecordMachine;
  /** Ways in which it may have been computed, at least one. */
  modes: readonly ComputeMode[];
  /** As `--plan` takes it. */
  plan: string;
}

/** The case of a record whose settings are closed, or why none can be predicted. */
export function recordCase(record: StepRecord): RecordCase | NotPredicted {
  const workload = recordWorkload(record);
  if (isNotPredicted(workload)) return workload;
  const machine = recordMachine(record);
  if (isNotPredicted(machine)) return machine;
  const modes = computeModes(record, machine.system);
  if (isNotPredicted(modes)) return modes;
  const plan = planOf(record);
  return plan === null
    ? { reason: `offload of kind ${record.offload!.kind} without a plan` }
    : { workload, machine, modes, plan };
}

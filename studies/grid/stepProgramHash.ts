import { createHash } from 'node:crypto';
import type { ManifestPlan } from '../../codegen/manifest.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { lower } from '../../model/program/lower.ts';
import type { Op } from '../../model/program/stepProgram.ts';
import type { System } from '../../model/system/system.ts';
import type { Workload } from '../../model/workload/workload.ts';

/**
 * Names the program that a plan lowers to on a machine: equal for two runs only where their operations are. The first 16
 * digits of the SHA-256 of the StepProgram as JSON, without what the machine predicts of its operations.
 */
export function stepProgramHash(workload: Workload, system: System, plan: Plan): string {
  const program = lower(workload, system, plan, 'segments');
  return hashOf({ ...program, ops: program.ops.map(asked) });
}

/** What a runtime is asked to do: times are predictions, but for pauses that a plan asks the host for. */
function asked(op: Op): unknown {
  if (op.kind === 'compute') {
    const { durationS: _, secondsOf: __, noRoomS: ___, ...rest } = op;
    return rest;
  }
  if (op.kind === 'delay' && op.role !== 'launch') {
    const { durationS: _, ...rest } = op;
    return rest;
  }
  return op;
}

/** Whether two manifests describe the same operations of a plan, statement by statement. */
export function sameOperations(a: ManifestPlan, b: ManifestPlan): boolean {
  return operationsHash(a) === operationsHash(b);
}

/** Names the operations of a plan of which no more is left than its manifest; equals no hash of a StepProgram. */
export function operationsHash({ statements, positions }: ManifestPlan): string {
  return hashOf({ statements, positions });
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

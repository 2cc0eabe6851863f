import { covers, doubtOf } from '../../model/analytic/doubt.ts';
import { predictStep } from '../../model/analytic/stepReport.ts';
import { parseJson } from '../../model/input/jsonFile.ts';
import { atPlace, UserError } from '../../model/input/userError.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { planOf, sourceOf } from '../../model/plan/planFile.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { profileWorkload } from '../../model/profile/profileWorkload.ts';
import type { System } from '../../model/system/system.ts';
import { chosenTransport, transportNamed } from '../../model/system/transport.ts';
import type { ProfiledWorkload } from '../../model/workload/workload.ts';
import { simulate } from '../../sim/simulate.ts';
import { otherMachine } from '../dataset/otherMachine.ts';
import type { StepPrediction } from '../heldOut/compareSteps.ts';
import { noiseFloor } from '../heldOut/noiseFloor.ts';
import type { FiledProfile } from './profileFolder.ts';
import type { AttachedMeasurement } from './readAttachSteps.ts';
import { toolPlanText } from './toolVariant.ts';

/** A measured step of a user's model beside what both roads predict from its profile. */
export interface ComparedAttached extends StepPrediction {
  measured: AttachedMeasurement;
  /** Claim of device memory against what the device reported; null where it reported none. */
  memoryError: number | null;
}

/** Whether a plan describes how the weights were held; other ways are measured beside and predicted by nobody. */
export function isPredicted({ record }: AttachedMeasurement): boolean {
  const { variant, plan } = record;
  return (
    variant.kind === 'none' || plan !== null || variant.kind === 'attach' || toolPlanText(variant) !== null
  );
}

/**
 * Predicts measured steps of attached models, and of the same models without offload, from their profiles and a machine.
 *
 * @param machine fitted to other measurements than these.
 * @throws UserError with file and line of a step whose profile is not there, that was planned from another one, that was measured
 *   on another machine, or whose plan does not fit.
 */
export function compareAttached(
  measurements: readonly AttachedMeasurement[],
  profiles: ReadonlyMap<string, FiledProfile>,
  machine: System,
): ComparedAttached[] {
  const workloads = new Map<FiledProfile, ProfiledWorkload>();
  return measurements.filter(isPredicted).map((measured) =>
    atPlace(measured.place, () => {
      const filed = profileOf(measured, profiles);
      refuseOtherMachine(measured, machine);
      const workload = workloads.get(filed) ?? profileWorkload(filed.profile);
      workloads.set(filed, workload);
      return compare(measured, workload, machine);
    }),
  );
}

function compare(
  measured: AttachedMeasurement,
  workload: ProfiledWorkload,
  machine: System,
): ComparedAttached {
  const { stepS, visitS, deviceBytes } = measured;
  const plan = planOfMeasured(measured, workload, machine);
  const { report } = simulate(workload, machine, plan, { breakEven: false });
  const closedFormS = predictStep(workload, machine, plan).stepTimeS;
  const doubt = doubtOf(workload, machine, plan, makePlan('none', workload, machine, chosenTransport(plan)));
  return {
    measured,
    closedFormS,
    simulatedS: report.stepTimeS,
    closedFormError: closedFormS / stepS - 1,
    simulatedError: report.stepTimeS / stepS - 1,
    covered: covers(doubt.step, report.stepTimeS, stepS),
    noise: noiseFloor(visitS),
    memoryError: deviceBytes === null ? null : report.gpuPeakBytes / deviceBytes - 1,
  };
}

/** NCCL takes the links that its environment leaves it, whatever the plan was made for. */
function planOfMeasured({ record }: AttachedMeasurement, workload: ProfiledWorkload, machine: System): Plan {
  const { plan: document, variant, transport } = record;
  if (variant.kind === 'none')
    return makePlan('none', workload, machine, workload.ranks > 1 ? transport : undefined);
  const ofTool = toolPlanText(variant);
  if (ofTool !== null) return makePlan(ofTool, workload, machine, workload.ranks > 1 ? transport : undefined);
  if (document === null) throw new UserError(`plan: is missing, and ${variant.key} is an attached plan`);
  const source = sourceOf(parseJson(`plan of ${variant.key}`, JSON.stringify(document), 'measure it anew'));
  const plan = planOf(source, workload, machine);
  if (workload.ranks === 1 || transportNamed(machine, plan.transport).kind === 'staged-copy') return plan;
  return { ...plan, transport: transportNamed(machine, transport).name };
}

function profileOf(
  { record }: AttachedMeasurement,
  profiles: ReadonlyMap<string, FiledProfile>,
): FiledProfile {
  const { case: id, profileSha256, ranks } = record;
  const found = profiles.get(id);
  if (found === undefined) throw new UserError(`case: there is no profile of ${id}; put it into the folder`);
  if (profileSha256 !== null && profileSha256 !== found.sha256)
    throw new UserError(
      `profileSha256: the plans of ${id} were made from another profile than ${found.file}`,
    );
  if (found.profile.step.ranks !== ranks)
    throw new UserError(
      `ranks: measured on ${ranks}, and ${found.file} is a profile of ${found.profile.step.ranks}`,
    );
  return found;
}

function refuseOtherMachine({ record }: AttachedMeasurement, machine: System): void {
  const { ranks, device, place, case: id, variant } = record;
  const why = otherMachine({ ranks, device, place: place === 'host' ? 'host' : 'real' }, machine);
  if (why !== null)
    throw new UserError(`${id}, ${variant.key}: ${why}; give --machine that one, or other steps`);
}

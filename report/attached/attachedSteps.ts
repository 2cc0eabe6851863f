import { UserError } from '../../model/input/userError.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import {
  type AttachedReport,
  attachedModel,
  attachedPlace,
  attachedPreset,
  attachedReport,
} from '../../studies/attach/attachedReport.ts';
import { type ComparedAttached, compareAttached } from '../../studies/attach/compareAttached.ts';
import { type FiledProfile, profilesOf } from '../../studies/attach/profileFolder.ts';
import { readAttachSteps } from '../../studies/attach/readAttachSteps.ts';
import { predictedFields, type StepRow } from '../../studies/plots/predictedVsMeasured.ts';

/** Measured steps of users' own models, and what predicts them. */
export interface AttachedInput {
  /** JSON Lines of experiments/attach. */
  files: readonly string[];
  /** Folder of the profiles. */
  profiles: string;
  machine: string;
}

/** Steps of attached models beside their predictions. */
export interface ComparedAttachedSteps {
  steps: ComparedAttached[];
  report: AttachedReport;
  profiles: ReadonlyMap<string, FiledProfile>;
  system: System;
}

/** @throws UserError as `compareAttached`, and for files in which nothing is predicted. */
export function compareAttachedSteps(
  { files, profiles: folder, machine }: AttachedInput,
  worst: number,
): ComparedAttachedSteps {
  const system = loadSystem(machine);
  const measurements = readAttachSteps(files);
  const profiles = profilesOf(folder);
  const steps = compareAttached(measurements, profiles, system);
  if (steps.length === 0)
    throw new UserError('no step is of an attached plan or without offload: there is nothing to predict');
  return { steps, report: attachedReport(measurements, steps, worst), profiles, system };
}

/** An attached step as charts' data has it. */
export function attachedRow({ measured, ...prediction }: ComparedAttached): StepRow {
  const { record, stepS } = measured;
  return {
    where: attachedPlace(measured),
    node: '',
    model: attachedModel(measured),
    size: record.grid.join(' x '),
    depth: 'as profiled',
    plan: record.variant.key,
    preset: attachedPreset(measured),
    measuredMs: stepS * 1e3,
    ...predictedFields(prediction),
  };
}

import type { z } from 'zod';
import { profileFormat } from '../model/profile/profileFormat.ts';
import { sweepStatusFormat } from '../studies/sweep/status.ts';
import { sweepFormat } from '../studies/sweep/sweepFormat.ts';
import { machinesFormat } from './machines.ts';
import { modelsFormat } from './models.ts';
import type { SchemaName } from './names.ts';
import { planChoiceFormat } from './planChoice.ts';
import { predictionFormat } from './prediction.ts';
import { publishedStepsFormat } from './publishedSteps.ts';
import { simulationFormat } from './simulation.ts';
import { sizesFormat } from './sizes.ts';

/** Formats of all documents, by the name that `chunkflow schema` takes: those that are printed with --json, and files that others write. */
export const documentFormats = {
  prediction: predictionFormat,
  simulation: simulationFormat,
  'plan-choice': planChoiceFormat,
  sizes: sizesFormat,
  models: modelsFormat,
  machines: machinesFormat,
  'published-steps': publishedStepsFormat,
  'sweep-status': sweepStatusFormat,
  profile: profileFormat,
  sweep: sweepFormat,
} as const satisfies Record<SchemaName, z.ZodType>;

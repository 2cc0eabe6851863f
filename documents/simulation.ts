import { z } from 'zod';
import { machineFormat } from './machine.ts';
import { planReportFormat } from './planReport.ts';
import { paperCriterionFormat } from './prediction.ts';
import { count, seconds } from './values.ts';
import { workloadFormat } from './workload.ts';

const simulatedPlan = planReportFormat.extend({
  closedFormStepTimeS: seconds.describe('what `predict` says of the same plan'),
  steady: z.boolean().describe('whether steps had stopped changing before the one reported'),
  steps: count.describe('steps simulated'),
  trace: z.string().nullable().describe('file that --trace wrote for this plan'),
});

/** What `simulate --json` prints. */
export const simulationFormat = z.strictObject({
  schema: z.literal('chunkflow/simulation@1'),
  workload: workloadFormat,
  machine: machineFormat,
  plans: z.array(simulatedPlan),
  paperCriterion: paperCriterionFormat,
});

export type Simulation = z.input<typeof simulationFormat>;
export type SimulatedPlan = z.input<typeof simulatedPlan>;

import { paperCriterion } from '../../model/analytic/paperCriterion.ts';
import type { StepReport } from '../../model/analytic/report.ts';
import { verdict } from '../../model/analytic/verdict.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { toolNotes } from '../../model/presets/tools/toolPlan.ts';
import type { Scenario } from '../scenario.ts';
import type { PlanReport } from './planReport.ts';
import type { Prediction } from './prediction.ts';

/** The parts of a JSON document that do not depend on the plans. */
export function scenarioFields({
  workload,
  described,
  system,
  transport,
}: Scenario): Pick<Prediction, 'workload' | 'machine' | 'paperCriterion'> {
  return {
    workload: described,
    machine: {
      id: system.id,
      name: system.name,
      peer: system.peer,
      gpu: system.gpu.name,
      gpus: system.gpus.length,
      gpuMemoryBytes: system.gpu.memoryBytes,
      hostMemoryBytes: system.host.memoryBytes,
      transport,
    },
    paperCriterion: paperCriterion(workload, system),
  };
}

/** A plan's report with what is said about it, as the JSON has it. */
export function planFields(
  plan: Plan,
  report: StepReport,
  baseline: StepReport,
  { workload, system }: Pick<Scenario, 'workload' | 'system'>,
): PlanReport {
  const notes = toolNotes(plan, workload, system);
  return {
    ...report,
    // A difference of simulated times, which may round to a hair below nothing.
    collectiveInflationS: Math.max(0, report.collectiveInflationS),
    versusNone: report.stepTimeS / baseline.stepTimeS,
    verdict: verdict(report, baseline, workload),
    ...(notes.length > 0 && { notes: [...notes] }),
  };
}

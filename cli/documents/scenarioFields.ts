import { doubtOf } from '../../model/analytic/doubt.ts';
import { paperCriterion } from '../../model/analytic/paperCriterion.ts';
import type { StepReport } from '../../model/analytic/report.ts';
import { verdict } from '../../model/analytic/verdict.ts';
import type { Compared } from '../compare.ts';
import type { Scenario } from '../scenario.ts';
import { doubtFields } from './doubt.ts';
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
  { plan, result: { report }, none, baseline }: Compared<{ report: StepReport }>,
  { workload, system }: Scenario,
): PlanReport {
  const versusNone = report.stepTimeS / baseline.stepTimeS;
  return {
    ...report,
    // A difference of simulated times, which may round to a hair below nothing.
    collectiveInflationS: Math.max(0, report.collectiveInflationS),
    versusNone,
    doubt: doubtFields(doubtOf(workload, system, plan, none), report.stepTimeS, versusNone),
    verdict: verdict(report, baseline, workload),
  };
}

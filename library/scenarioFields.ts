import { doubtFields } from '../documents/doubt.ts';
import type { PlanReport } from '../documents/planReport.ts';
import type { Prediction } from '../documents/prediction.ts';
import { type Doubt, doubtOf } from '../model/analytic/doubt.ts';
import { paperCriterion } from '../model/analytic/paperCriterion.ts';
import type { StepReport } from '../model/analytic/report.ts';
import { type RequestFacts, type RequestReport, requestReport } from '../model/analytic/request.ts';
import { verdict } from '../model/analytic/verdict.ts';
import { toolNotes } from '../model/presets/tools/toolPlan.ts';
import type { Scenario } from '../model/scenario/scenario.ts';
import { cappedRates } from '../model/system/cappedRates.ts';
import type { Anchor } from '../model/system/system.ts';
import type { Compared } from './comparePlans.ts';
import { hostsFields } from './hostsFields.ts';
import { workloadFields } from './workloadFields.ts';

/** The parts of a JSON document that do not depend on the plans. */
export function scenarioFields(
  scenario: Scenario,
): Pick<Prediction, 'workload' | 'machine' | 'paperCriterion'> {
  const { workload, system, transport } = scenario;
  const notes = cappedRates(system);
  const betweenHosts = hostsFields(workload, system, transport);
  return {
    workload: workloadFields(scenario),
    machine: {
      id: system.id,
      name: system.name,
      peer: system.peer,
      gpu: system.gpu.name,
      gpus: system.gpus.length,
      gpuMemoryBytes: system.gpu.memoryBytes,
      hostMemoryBytes: system.host.memoryBytes,
      transport,
      ...(notes.length > 0 && { notes }),
      ...(betweenHosts !== null && betweenHosts.length > 0 && { betweenHosts }),
      ...(system.anchor !== undefined && { anchor: anchorFields(system.anchor) }),
    },
    paperCriterion: paperCriterion(workload, system),
  };
}

function anchorFields({ others: _, speeds, ...step }: Anchor): Prediction['machine']['anchor'] {
  return { ...step, speeds: { compute: { ...speeds.compute }, collectives: speeds.collectives } };
}

/** A plan's report with what is said about it, as the JSON has it. */
export function planFields(
  { plan, result: { report }, none, baseline }: Compared<{ report: StepReport }>,
  { workload, system }: Scenario,
  request: RequestFacts | null,
): PlanReport {
  const { stepTimeS: stepS, clock } = report;
  const versusNone = stepS / baseline.stepTimeS;
  const doubt = doubtOf(workload, system, plan, none);
  const notes = toolNotes(plan, workload, system);
  return {
    ...report,
    // A difference of simulated times, which may round to a hair below nothing.
    collectiveInflationS: Math.max(0, report.collectiveInflationS),
    versusNone,
    doubt: doubtFields(doubt, stepS, versusNone),
    request:
      request && requestFields(requestReport(workload, system, plan, { stepS, clock }, request), doubt),
    verdict: verdict(report, baseline, workload, system),
    ...(notes.length > 0 && { notes: [...notes] }),
  };
}

function requestFields(request: RequestReport, { step: [low, high] }: Doubt): PlanReport['request'] {
  const { steps, stepS, totalS } = request;
  const denoisingS = steps * stepS;
  const at = (factor: number) => totalS + (factor - 1) * denoisingS;
  return { ...request, intervalS: [at(low), at(high)] };
}

import { doubtOf } from '../../../model/analytic/doubt.ts';
import { requestReport } from '../../../model/analytic/request.ts';
import { predictStep } from '../../../model/analytic/stepReport.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import type { System } from '../../../model/system/system.ts';
import type { BoundWorkload } from '../../../model/workload/workload.ts';
import { predictionOver, type StepPrediction } from './compareRecords.ts';
import { leastTimeS } from './leastTime.ts';
import { isNotPredicted, type NotPredicted } from './notPredicted.ts';
import { recordCase } from './recordCase.ts';
import { recordWorkload, textRowsOf } from './recordWorkload.ts';
import type { StepRecord } from './stepFormat.ts';

/**
 * What the rest of a run takes at the most, text encoders and VAE above all, in steps of one GPU: they run on one in most tools. By
 * the stages that SGLang's baselines list beside their steps (sgl-project/sglang@03dbd7a
 * python/sglang/multimodal_gen/test/server/perf_baselines/h100.json): 0.4 to 2.2 steps for images, 0.7 to 11 for videos.
 */
const REST_STEPS = { image: 3, video: 12 };

/** The closed form of a record whose settings are closed on its card, and the interval over all kernels and prompts that it may have had. */
export function closedFormPredictor(record: StepRecord): StepPrediction | NotPredicted {
  const predictions = closedFormPredictions(record);
  return isNotPredicted(predictions) ? predictions : predictionOver(predictions);
}

/** One for each of them, first the one that predictArguments asks for. */
export function closedFormPredictions(record: StepRecord): StepPrediction[] | NotPredicted {
  const found = recordCase(record);
  if (isNotPredicted(found)) return found;
  const { machine, modes, plan } = found;
  return modes.flatMap((mode) =>
    textRowsOf(record).map((rows) =>
      predicted(record, recordWorkload(record, mode, rows) as BoundWorkload, machine.system, plan),
    ),
  );
}

/** Of a step, or of a run over its steps: the first one is cold, and what else is in it makes the interval longer. */
function predicted(
  record: StepRecord,
  workload: BoundWorkload,
  system: System,
  planText: string,
): StepPrediction {
  const plan = makePlan(planText, workload, system);
  const step = predictStep(workload, system, plan);
  const [low, high] = doubtOf(workload, system, plan, makePlan('none', workload, system)).step;
  const { measured, gpus, frames } = record;
  const leastS = leastTimeS(record, workload);
  if ('stepS' in measured)
    return { leastS, stepS: step.stepTimeS, interval: [low * step.stepTimeS, high * step.stepTimeS] };
  const steps = record.steps!;
  const facts = { steps, beforeS: 0, afterS: 0, switchS: null };
  const { totalS } = requestReport(
    workload,
    system,
    plan,
    { stepS: step.stepTimeS, clock: step.clock },
    facts,
  );
  const restS = 'runS' in measured ? REST_STEPS[frames === 1 ? 'image' : 'video'] * gpus * step.stepTimeS : 0;
  return {
    leastS,
    stepS: totalS / steps,
    interval: [(low * totalS) / steps, (high * (totalS + restS)) / steps],
  };
}

import { errorStatistics } from '../heldOut/errorStatistics.ts';
import type { ClassErrors } from '../heldOut/report.ts';
import { comparePlans, dualH100Cases } from './dualH100.ts';
import { residencyCurve } from './residency.ts';

/** A step that others have published, beside what both roads predict of it. Errors are predicted / published - 1. */
export interface PublishedStep {
  source: string;
  case: string;
  plan: string;
  publishedS: number;
  closedFormS: number;
  simulatedS: number;
  closedFormError: number;
  simulatedError: number;
}

/**
 * The published steps that calibrated nothing, predicted: on two H100 from each case's no-offload arm, on an RTX 5090 from
 * two points of its curve.
 */
export function publishedSteps(): PublishedStep[] {
  const h100 = dualH100Cases().flatMap((published) => {
    const plans = Object.keys(published.publishedS).filter((plan) => plan !== 'none');
    return comparePlans(published, plans).map(({ plan, publishedS, closedForm, simulation }) =>
      compared('2x H100', published.name, plan, {
        publishedS: publishedS!,
        closedFormS: closedForm.stepTimeS,
        simulatedS: simulation.report.stepTimeS,
      }),
    );
  });
  const curve = residencyCurve().filter(({ fitted }) => !fitted);
  return [...h100, ...curve.map((point) => compared('1x RTX 5090', 'Qwen-Image', point.plan, point))];
}

function compared(
  source: string,
  name: string,
  plan: string,
  { publishedS, closedFormS, simulatedS }: Pick<PublishedStep, 'publishedS' | 'closedFormS' | 'simulatedS'>,
): PublishedStep {
  const times = { publishedS, closedFormS, simulatedS };
  const errors = {
    closedFormError: closedFormS / publishedS - 1,
    simulatedError: simulatedS / publishedS - 1,
  };
  return { source, case: name, plan, ...times, ...errors };
}

/** Errors by source and over all. Nobody publishes repeats, so there is no noise floor. */
export function publishedErrors(steps: readonly PublishedStep[]): {
  classes: ClassErrors[];
  all: ClassErrors;
} {
  const errorsOf = (name: string, own: readonly PublishedStep[]): ClassErrors => ({
    name,
    simulated: errorStatistics(own.map(({ simulatedError }) => simulatedError))!,
    closedForm: errorStatistics(own.map(({ closedFormError }) => closedFormError))!,
    ...{ noise: null, covered: null },
    within5Percent: own.filter(({ simulatedError }) => Math.abs(simulatedError) <= 0.05).length / own.length,
  });
  const sources = [...new Set(steps.map(({ source }) => source))];
  return {
    classes: sources.map((name) =>
      errorsOf(
        name,
        steps.filter(({ source }) => source === name),
      ),
    ),
    all: errorsOf('all', steps),
  };
}

import type { MutantGroup } from './mutant.ts';

/** Figures of validation and regret: what a reader of the tables believes. */
export const EXPERIMENTS: readonly MutantGroup[] = [
  {
    file: 'studies/heldOut/errorStatistics.ts',
    tests: ['test/studies/heldOut/statistics.test.ts'],
    mutants: [
      {
        breaks: 'p95 is the 90th percentile',
        original: 'p95: quantile(sizes, 0.95),',
        mutated: 'p95: quantile(sizes, 0.9),',
      },
      {
        breaks: 'p95 is of signed errors',
        original: 'p95: quantile(sizes, 0.95),',
        mutated: 'p95: quantile([...errors], 0.95),',
      },
      {
        breaks: 'the median is of signed errors',
        original: 'median: median(sizes),',
        mutated: 'median: median([...errors]),',
      },
      {
        breaks: 'the largest error is the largest that is too slow',
        original: 'largest: max(sizes),',
        mutated: 'largest: max([...errors]),',
      },
      {
        breaks: 'errors of opposite signs cancel',
        original: 'mape: mean(sizes),',
        mutated: 'mape: Math.abs(mean([...errors])),',
      },
      {
        breaks: 'the bias has no sign',
        original: 'bias: mean([...errors]),',
        mutated: 'bias: mean(sizes),',
      },
    ],
  },
  {
    file: 'studies/heldOut/planOrder.ts',
    tests: ['test/studies/heldOut/statistics.test.ts'],
    mutants: [
      {
        breaks: 'plans that measure alike have an order',
        original: 'Math.max(LEAST_APART, one.noise + other.noise)',
        mutated: 'one.noise + other.noise',
      },
      {
        breaks: 'plans within their noise have an order',
        original: 'Math.max(LEAST_APART, one.noise + other.noise)',
        mutated: 'LEAST_APART',
      },
      {
        breaks: 'noise is that of one of two plans',
        original: 'one.noise + other.noise',
        mutated: 'one.noise',
      },
      {
        breaks: 'a predicted tie is right',
        original: 'else if (faster.predictedS < slower.predictedS)',
        mutated: 'else if (faster.predictedS <= slower.predictedS)',
      },
      {
        breaks: 'the order of the dataset counts',
        original: 'one.measuredS <= other.measuredS ? [one, other] : [other, one]',
        mutated: '[one, other]',
      },
      {
        breaks: 'wrong pairs do not count against right ones',
        original: '(count.right - count.wrong) / ordered',
        mutated: 'count.right / ordered',
      },
      {
        breaks: 'plans of different cells are compared',
        original: '({ cell }) => cell)]',
        mutated: "() => '')]",
      },
    ],
  },
  {
    file: 'studies/heldOut/noiseFloor.ts',
    tests: ['test/studies/heldOut/statistics.test.ts'],
    mutants: [
      {
        breaks: 'noise is in seconds',
        original: ' / middleS;',
        mutated: ';',
      },
      {
        breaks: 'one round has no noise',
        original: 'if (visitS.length < 2) return null;',
        mutated: 'if (visitS.length < 1) return null;',
      },
    ],
  },
  {
    file: 'studies/heldOut/limits.ts',
    tests: ['test/studies/heldOut/statistics.test.ts'],
    mutants: [
      {
        breaks: 'a rank correlation fails above its limit',
        original: 'metric.failsBelow ? value >= bound : value <= bound',
        mutated: 'value <= bound',
      },
      {
        breaks: 'a value just at its limit is broken',
        original: 'value >= bound : value <= bound',
        mutated: 'value > bound : value < bound',
      },
      {
        breaks: 'a percentage is a fraction',
        original: "text.endsWith('%') ? number / 100 : number",
        mutated: 'number',
      },
    ],
  },
  {
    file: 'studies/regret/datasetRatios.ts',
    tests: ['test/studies/regret/datasetRatios.test.ts'],
    mutants: [
      {
        breaks: "a baseline is looked for on another plan's transport",
        original: 'plan.transport === transport && textOver',
        mutated: 'textOver',
      },
      {
        breaks: 'the first dataset is divided by the second',
        original: 'other.stepS / one.stepS];',
        mutated: 'one.stepS / other.stepS];',
      },
      {
        breaks: 'eager steps are compared with graphs',
        original: 'JSON.stringify([cell, mode])',
        mutated: 'JSON.stringify([cell])',
      },
    ],
  },
  {
    file: 'studies/regret/efficientPlans.ts',
    tests: ['test/studies/regret/measuredCurve.test.ts'],
    mutants: [
      {
        breaks: 'a plan with more memory beats a slower one',
        original: 'a.gpuBytes <= b.gpuBytes && ',
        mutated: '',
      },
      {
        breaks: 'a slower plan beats one with more memory',
        original: 'a.stepS <= b.stepS && ',
        mutated: '',
      },
      {
        breaks: 'as much memory is no match',
        original: 'a.gpuBytes <= b.gpuBytes && ',
        mutated: 'a.gpuBytes < b.gpuBytes && ',
      },
      {
        breaks: 'as fast is no match',
        original: 'a.stepS <= b.stepS && ',
        mutated: 'a.stepS < b.stepS && ',
      },
      {
        breaks: 'plans that are equal in both beat each other',
        original: ' && (a.gpuBytes < b.gpuBytes || a.stepS < b.stepS)',
        mutated: ' && a !== b',
      },
      {
        breaks: 'only less memory beats',
        original: '(a.gpuBytes < b.gpuBytes || a.stepS < b.stepS)',
        mutated: 'a.gpuBytes < b.gpuBytes',
      },
      {
        breaks: 'only a faster step beats',
        original: '(a.gpuBytes < b.gpuBytes || a.stepS < b.stepS)',
        mutated: 'a.stepS < b.stepS',
      },
    ],
  },
  {
    file: 'studies/regret/regret.ts',
    tests: ['test/studies/regret/measuredCurve.test.ts'],
    mutants: [
      {
        breaks: 'a plan that fills the cap is outside it',
        original: 'other.gpuBytes <= capBytes',
        mutated: 'other.gpuBytes < capBytes',
      },
      {
        breaks: 'plans beyond the cap compete',
        original: ' && other.gpuBytes <= capBytes',
        mutated: '',
      },
      {
        breaks: 'of equally fast plans another is the best',
        original: 'other.stepS < least.stepS ? other : least',
        mutated: 'other.stepS <= least.stepS ? other : least',
      },
      {
        breaks: 'baselines with less memory are an excuse',
        original: 'other.gpuBytes >= choice.gpuBytes &&',
        mutated: '',
      },
      {
        breaks: 'a baseline with as much memory does not count',
        original: 'other.gpuBytes >= choice.gpuBytes &&',
        mutated: 'other.gpuBytes > choice.gpuBytes &&',
      },
      {
        breaks: 'a choice is slower within the noise',
        original: '> (noiseOf([choice, other]) ?? 0),',
        mutated: '> 0,',
      },
      {
        breaks: 'plans of other transports compete with a choice of one',
        original: 'transport === undefined || one.transport === transport',
        mutated: 'true',
      },
      {
        breaks: 'noise is that of the choice alone',
        original: 'noiseOf(best === choice ? [choice] : [choice, best])',
        mutated: 'noiseOf([choice])',
      },
      {
        breaks: 'regret is a share of the choice',
        original: 'choice.stepS / best.stepS - 1,\n    noise',
        mutated: '1 - best.stepS / choice.stepS,\n    noise',
      },
    ],
  },
  {
    file: 'studies/regret/visits.ts',
    tests: ['test/studies/regret/visits.test.ts'],
    mutants: [
      {
        breaks: 'one disturbed round decides',
        original: 'return median([...visitS]);',
        mutated: 'return Math.max(...visitS);',
      },
      {
        breaks: 'noise is in seconds',
        original: ' / middleVisitS(visitS)',
        mutated: '',
      },
    ],
  },
  {
    file: 'studies/calibration/predictReadings.ts',
    tests: ['test/studies/calibration/predictSegments.test.ts'],
    mutants: [
      {
        breaks: 'what runs for a moment is held to the power cap',
        original: 'if (!sustained) return',
        mutated: 'if (!sustained && smHz !== null) return',
      },
      {
        breaks: 'a pause buys no clock',
        original: '(at) => runS(at) + gapS)',
        mutated: '(at) => runS(at))',
      },
      {
        breaks: 'power is over the run without its pause',
        original: 'stepPowerW(power, energy, clock, runS(clock) + gapS)',
        mutated: 'stepPowerW(power, energy, clock, runS(clock))',
      },
      {
        breaks: 'what is sustained runs at the highest clock',
        original: 'runS: runS(clock),',
        mutated: 'runS: fullS,',
      },
      {
        breaks: 'a clock is a fraction',
        original: 'smHz: clock * power.topClockHz,',
        mutated: 'smHz: clock,',
      },
    ],
  },
  {
    file: 'measure/cutOffRun.ts',
    tests: ['test/studies/grid/collectSteps.test.ts'],
    mutants: [
      {
        breaks: 'a run that failed counts',
        original: 'if (measured.end !== null) return null;',
        mutated: 'if (measured.end?.ok) return null;',
      },
      {
        breaks: 'a broken round counts',
        original: 'return wanted.every((key) => had.has(key));',
        mutated: 'return wanted.some((key) => had.has(key));',
      },
      {
        breaks: 'visits of a broken round count',
        original: 'const visits = whole.flat();',
        mutated: 'const { visits } = measured;',
      },
    ],
  },
  {
    file: 'studies/calibration/transportStages.ts',
    tests: ['test/studies/calibration/transportStages.test.ts'],
    mutants: [
      {
        breaks: 'what is staged all reaches host memory while a transport is fitted alone',
        original: 'value: LEAST_SHARE, of: [rateName], assumed }',
        mutated: 'value: 1, of: [rateName], assumed }',
      },
      {
        breaks: 'two ranks are asked for the host share',
        original: 'return isLimited && groupSize >= LEAST_GROUP;',
        mutated: 'return isLimited && groupSize >= LEAST_GROUP + 2;',
      },
    ],
  },
];

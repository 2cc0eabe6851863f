import { depthRange } from '../../studies/dataset/programDepth.ts';
import type { ComparedStep } from '../../studies/heldOut/compareSteps.ts';
import { percentText } from '../../studies/numberText.ts';
import { predictedVsMeasured } from '../../studies/plots/predictedVsMeasured.ts';
import { commandText } from '../parts/commandText.ts';
import type { ChartPart } from '../report.ts';
import { type ExperimentInput, stepWords } from './experimentReport.ts';

/** Steps as points: predicted over measured. */
export function stepCharts(steps: readonly ComparedStep[], input: ExperimentInput): ChartPart[] {
  const words = stepWords(input);
  return [
    {
      ...{ kind: 'chart', id: 'predicted-vs-measured' },
      chart: predictedVsMeasured(steps, 'Simulated step times over measured ones'),
      says: scatterText(steps),
      command: commandText(['plot', 'predicted-vs-measured', ...words, '--out', 'predicted-vs-measured.svg']),
    },
  ];
}

function scatterText(steps: readonly ComparedStep[]): string {
  const ms = steps.map(({ run }) => run.stepS * 1e3);
  const close = steps.filter(({ simulatedError }) => Math.abs(simulatedError) <= 0.05).length;
  return (
    `Each point is one of ${steps.length} measured steps, ${Math.min(...ms).toPrecision(3)} to ${Math.max(...ms).toPrecision(3)} ms long, ` +
    `of programs of ${depthRange(steps.map(({ depth }) => depth))}. ${percentText(close / steps.length)} of them lie in the band of 5 % around the line on which both are equal.`
  );
}

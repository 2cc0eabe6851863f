import { max, min } from 'simple-statistics';
import type { ComparedStep } from '../../studies/heldOut/compareSteps.ts';
import type { HeldOutReport } from '../../studies/heldOut/report.ts';
import { fixedText, percentText } from '../../studies/numberText.ts';
import { predictedVsMeasured } from '../../studies/plots/predictedVsMeasured.ts';
import { commandText } from '../parts/commandText.ts';
import type { ChartPart } from '../report.ts';
import { type ExperimentInput, stepWords } from './input.ts';

/** Steps as points: predicted over measured. */
export function stepCharts(
  steps: readonly ComparedStep[],
  errors: HeldOutReport,
  input: ExperimentInput,
): ChartPart[] {
  const words = stepWords(input);
  return [
    {
      ...{ kind: 'chart', id: 'predicted-vs-measured' },
      chart: predictedVsMeasured(steps, 'Simulated step times over measured ones'),
      says: scatterText(steps, errors),
      command: commandText(['plot', 'predicted-vs-measured', ...words, '--out', 'predicted-vs-measured.svg']),
    },
  ];
}

function scatterText(steps: readonly ComparedStep[], { all, depth }: HeldOutReport): string {
  const ms = steps.map(({ run }) => run.stepS * 1e3);
  return (
    `Each point is one of ${steps.length} measured steps of ${fixedText(min(ms), 1)} to ${fixedText(max(ms), 1)} ms, of programs of ` +
    `${depth}. ${percentText(all.within5Percent)} of them lie in the band of 5 % around the line on which both are equal.`
  );
}

import { max, min } from 'simple-statistics';
import type { ComparedStep } from '../../studies/heldOut/compareSteps.ts';
import type { ClassErrors, HeldOutReport } from '../../studies/heldOut/report.ts';
import { fixedText, percentText } from '../../studies/numberText.ts';
import { errorsChart } from '../../studies/plots/errorsChart.ts';
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
  const drawn = (kind: string) => commandText(['plot', kind, ...words, '--out', `${kind}.svg`]);
  return [
    {
      ...{ kind: 'chart', id: 'predicted-vs-measured' },
      chart: predictedVsMeasured(steps, 'Simulated step times over measured ones'),
      says: scatterText(steps, errors),
      command: drawn('predicted-vs-measured'),
    },
    {
      ...{ kind: 'chart', id: 'error-distribution' },
      chart: errorsChart(steps, 'How the errors are distributed'),
      says: distributionText(errors),
      command: drawn('errors'),
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

/** Which classes of steps are predicted best and worst. */
function distributionText({ all, classes }: HeldOutReport): string {
  const { bias, p95, mape } = all.simulated;
  const lean =
    Math.abs(bias) < mape / 4 ? 'to both sides alike' : bias > 0 ? 'rather too slow' : 'rather too fast';
  const byError = [...classes].sort((one, other) => one.simulated.mape - other.simulated.mape);
  const named = ({ name, simulated }: ClassErrors) => `${name} (MAPE ${percentText(simulated.mape)})`;
  return (
    `Predictions err ${lean}, by ${percentText(bias)} on average; 95 of 100 are within ${percentText(p95)}. ` +
    `Closest: ${named(byError[0]!)}; farthest: ${named(byError.at(-1)!)}.`
  );
}

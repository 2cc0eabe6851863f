import { max, min } from 'simple-statistics';
import type { ClassErrors } from '../../studies/heldOut/report.ts';
import { fixedText, percentText } from '../../studies/numberText.ts';
import { errorsChartOfRows } from '../../studies/plots/errorsChart.ts';
import { predictedVsMeasuredRows, type StepRow } from '../../studies/plots/predictedVsMeasured.ts';
import type { ChartPart } from '../report.ts';
import { commandText } from './commandText.ts';

/** Steps as charts have them, with their errors by class. */
export interface ChartedSteps {
  rows: readonly StepRow[];
  errors: { classes: readonly ClassErrors[]; all: ClassErrors };
  /** Of what they are, such as `programs of 3 of 40 blocks`. */
  what: string;
  /** What names them behind `plot predicted-vs-measured`. */
  words: readonly string[];
}

/** Simulated over measured times of steps. */
export function scatterPart(
  { rows, errors, what, words }: ChartedSteps,
  title: string,
  id: string,
): ChartPart {
  return {
    ...{ kind: 'chart', id, chart: predictedVsMeasuredRows(rows, title, [what]) },
    says: scatterText(rows, errors.all, what),
    command: plotCommand('predicted-vs-measured', words),
  };
}

/** How far the simulated times of steps are off, as a distribution. */
export function distributionPart(
  { rows, errors, what, words }: ChartedSteps,
  title: string,
  id: string,
): ChartPart {
  return {
    ...{ kind: 'chart', id, chart: errorsChartOfRows(rows, title, what) },
    says: distributionText(errors),
    command: plotCommand('errors', words),
  };
}

function plotCommand(kind: string, words: readonly string[]): string {
  return commandText(['plot', kind, ...words, '--out', `${kind}.svg`]);
}

function scatterText(rows: readonly StepRow[], { within5Percent }: ClassErrors, what: string): string {
  const ms = rows.map(({ measuredMs }) => measuredMs);
  return (
    `Each point is one of ${rows.length} measured steps of ${fixedText(min(ms), 1)} to ${fixedText(max(ms), 1)} ms; ${what}. ` +
    `${percentText(within5Percent)} of them lie in the band of 5 % around the line on which both are equal.`
  );
}

/** Whether predictions lean to one side, and which classes of steps are predicted best and worst. */
function distributionText({ all, classes }: ChartedSteps['errors']): string {
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

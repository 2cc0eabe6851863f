import type { FitProblem, Parameter, Values } from './problem.ts';
import { fromLine, smallStep } from './transform.ts';

/** A problem as the search sees it: residuals at places on the parameters' lines. */
export interface Residuals {
  parameters: readonly Parameter[];
  /** Square root of each reading's weight. */
  rootWeights: readonly number[];
  /** ln(predicted / measured) of each reading. */
  at: (places: readonly number[]) => number[];
  /** d residual / d place, a row for each reading: central differences. */
  jacobianAt: (places: readonly number[]) => number[][];
  valuesAt: (places: readonly number[]) => Record<string, number>;
}

/**
 * Residuals of some parameters, the others fixed.
 *
 * A residual is ln(predicted / measured): a factor of two off counts the same up and down, whatever the reading's size.
 *
 * @throws Error for readings or predictions that are not more than zero.
 */
export function residualsOf<Reading>(
  problem: FitProblem<Reading>,
  parameters: readonly Parameter[],
  fixed: Values,
): Residuals {
  const { readings, measured, predict, weight = () => 1 } = problem;
  const logMeasured = readings.map((reading) => logOf(measured(reading), 'measured'));
  const valuesAt = (places: readonly number[]) => ({
    ...fixed,
    ...Object.fromEntries(
      parameters.map((parameter, index) => [parameter.name, fromLine(parameter, places[index]!)]),
    ),
  });
  const at = (places: readonly number[]) => {
    const predicted = predict(valuesAt(places), readings);
    return logMeasured.map((log, index) => logOf(predicted[index]!, 'predicted') - log);
  };
  const jacobianAt = (places: readonly number[]) => {
    const columns = parameters.map((parameter, index) => {
      const step = smallStep(parameter);
      const moved = (by: number) => at(places.map((place, other) => (other === index ? place + by : place)));
      const [up, down] = [moved(step), moved(-step)];
      return up.map((residual, row) => (residual - down[row]!) / (2 * step));
    });
    return readings.map((_, row) => columns.map((column) => column[row]!));
  };
  return {
    parameters,
    rootWeights: readings.map((reading) => Math.sqrt(weight(reading))),
    at,
    jacobianAt,
    valuesAt,
  };
}

function logOf(value: number, what: string): number {
  if (!(value > 0) || !Number.isFinite(value))
    throw new Error(`a fit takes numbers above zero; ${what}: ${value}`);
  return Math.log(value);
}

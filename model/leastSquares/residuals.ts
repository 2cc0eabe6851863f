import type { FitProblem, Parameter, Values } from './problem.ts';
import { fromLine, smallStep } from './transform.ts';

/** A problem as the search sees it: residuals at places on the parameters' lines. */
export interface Residuals {
  parameters: readonly Parameter[];
  /** Square root of each reading's weight. */
  rootWeights: readonly number[];
  /**
   * ln(predicted / measured) of each reading.
   *
   * @throws Error where a prediction is not a number above zero.
   */
  at: (places: readonly number[]) => number[];
  /** The same where the model has an answer; null where one of its predictions is not a number above zero. */
  tryAt: (places: readonly number[]) => number[] | null;
  /** d residual / d place, a row for each reading: central differences, one-sided where the model ends on the other. */
  jacobianAt: (places: readonly number[]) => number[][];
  valuesAt: (places: readonly number[]) => Record<string, number>;
}

/**
 * Residuals of some parameters, the others fixed.
 *
 * A residual is ln(predicted / measured): a factor of two off counts the same up and down, whatever the reading's size.
 *
 * @throws Error naming the reading by its index, for one that is not more than zero, and for a weight that is below zero.
 */
export function residualsOf<Reading>(
  problem: FitProblem<Reading>,
  parameters: readonly Parameter[],
  fixed: Values,
): Residuals {
  const { readings, measured, predict } = problem;
  const logMeasured = readings.map((reading, index) =>
    Math.log(aboveZero(measured(reading), 'measured', index)),
  );
  const valuesAt = (places: readonly number[]) => ({
    ...fixed,
    ...Object.fromEntries(
      parameters.map((parameter, index) => [parameter.name, fromLine(parameter, places[index]!)]),
    ),
  });
  const predictedAt = (places: readonly number[]) => predict(valuesAt(places), readings);
  const asResiduals = (predicted: readonly number[]) =>
    logMeasured.map((log, index) => Math.log(aboveZero(predicted[index]!, 'predicted', index)) - log);
  const at = (places: readonly number[]) => asResiduals(predictedAt(places));
  const tryAt = (places: readonly number[]) => {
    const predicted = predictedAt(places);
    return readings.every((_, index) => isAboveZero(predicted[index]!)) ? asResiduals(predicted) : null;
  };
  const slopesOf = (parameter: Parameter, index: number, places: readonly number[]) => {
    const step = smallStep(parameter);
    const moved = (by: number) => tryAt(places.map((place, other) => (other === index ? place + by : place)));
    const [up, down] = [moved(step), moved(-step)];
    if (up === null && down === null)
      throw new Error(
        `${parameter.name}: on either side of ${valuesAt(places)[parameter.name]} predictions are not above zero`,
      );
    const width = up === null || down === null ? step : 2 * step;
    const from = down ?? at(places);
    return (up ?? at(places)).map((residual, row) => (residual - from[row]!) / width);
  };
  const jacobianAt = (places: readonly number[]) => {
    const columns = parameters.map((parameter, index) => slopesOf(parameter, index, places));
    return readings.map((_, row) => columns.map((column) => column[row]!));
  };
  return {
    parameters,
    rootWeights: weightsOf(problem).map(Math.sqrt),
    at: lastOf(at),
    tryAt,
    jacobianAt: lastOf(jacobianAt),
    valuesAt,
  };
}

/**
 * A function of places that remembers its last result: a search is taken up where the one before ended, and intervals are
 * asked for at the optimum.
 */
function lastOf<Result>(
  compute: (places: readonly number[]) => Result,
): (places: readonly number[]) => Result {
  let last: { places: readonly number[]; result: Result } | undefined;
  return (places) => {
    if (last === undefined || last.places.some((place, index) => place !== places[index]))
      last = { places: [...places], result: compute(places) };
    return last.result;
  };
}

/** How much each reading counts; 0 for one that is only looked at. */
export function weightsOf<Reading>({ readings, weight = () => 1 }: FitProblem<Reading>): number[] {
  return readings.map((reading, index) => {
    const value = weight(reading);
    if (!(value >= 0) || !Number.isFinite(value))
      throw new Error(`reading ${index}: a weight is a number from 0 on; got ${value}`);
    return value;
  });
}

function aboveZero(value: number, what: string, index: number): number {
  if (!isAboveZero(value))
    throw new Error(`reading ${index}: a fit takes numbers above zero; ${what}: ${value}`);
  return value;
}

function isAboveZero(value: number): boolean {
  return value > 0 && Number.isFinite(value);
}

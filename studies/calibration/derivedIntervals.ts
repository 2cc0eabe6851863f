import type { FittedParameter } from '../../model/leastSquares/problem.ts';
import { type FittedEntry, written } from './machineValues.ts';
import type { DerivedNumber, Values } from './stage.ts';

/**
 * Intervals of numbers that a stage makes of its parameters, by key: with each parameter by itself at both ends of its 95 %
 * interval, the root of the summed squares of what that takes off the number, and of what it adds. What earlier stages
 * found is taken as exact. A number that is 0, as the cost of a pipeline that fills for nothing is, has none.
 */
export function derivedIntervals(
  derived: (values: Values) => readonly DerivedNumber[],
  values: Values,
  parameters: readonly Pick<FittedParameter, 'name' | 'low95' | 'high95'>[],
): Map<string, NonNullable<FittedEntry['interval']>> {
  const moved = parameters.flatMap(({ name, low95, high95 }) =>
    [low95, high95].map((end) => derived({ ...values, [name]: end })),
  );
  return new Map(
    derived(values).flatMap(({ key, unit, value }, index) => {
      const changes = moved.map((numbers) => numbers[index]!.value - value);
      const side = (sign: 1 | -1) => Math.hypot(...changes.map((change) => Math.max(0, sign * change)));
      // Nothing moves it: it stands at a bound of its own, or is no matter of these parameters.
      if (value === 0 || changes.every((change) => change === 0)) return [];
      const ends = [Math.max(value / 100, value - side(-1)), value + side(1)] as const;
      return [
        [key, [written(ends[0], unit), written(ends[1], unit)] as NonNullable<FittedEntry['interval']>],
      ];
    }),
  );
}

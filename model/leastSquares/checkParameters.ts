import { UserError } from '../input/userError.ts';
import type { Parameter } from './problem.ts';

/**
 * Stops a fit whose parameters have no place to be searched.
 *
 * @throws UserError for bounds or a start at odds: they come from a machine file's numbers.
 * @throws Error for two parameters of one name, which is a mistake of the program.
 */
export function checkParameters(parameters: readonly Parameter[]): void {
  const names = new Set<string>();
  for (const { name, start, low, high, scale } of parameters) {
    if (names.has(name)) throw new Error(`${name}: two parameters of a fit have this name`);
    names.add(name);
    if (![low, high].every(Number.isFinite) || !(low < high))
      throw new UserError(`${name}: expected a lower bound below the upper one, got ${low} and ${high}`);
    if (scale === 'log' && low <= 0)
      throw new UserError(`${name}: its scale is logarithmic: expected a lower bound above 0, got ${low}`);
    if (!(start >= low && start <= high))
      throw new UserError(
        `${name}: a fit can start it from ${low} to ${high}, got ${start}; change what it starts from`,
      );
  }
}

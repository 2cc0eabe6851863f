import { quantity } from './quantity.ts';
import { shown, UserError } from './userError.ts';

/**
 * Whole bytes that a flag was given.
 *
 * @throws UserError for what is no size of at least `least`.
 */
export function bytesOf(flag: string, text: string, least = 0): number {
  try {
    const bytes = Math.round(quantity(text, 'bytes'));
    if (bytes >= least && Number.isSafeInteger(bytes)) return bytes;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  throw new UserError(`${flag}: expected a size such as 670MiB, got ${shown(text)}`);
}

/**
 * Seconds that a flag was given.
 *
 * @throws UserError for what is no time, and for one below 0.
 */
export function secondsOf(flag: string, text: string, example: string): number {
  try {
    const seconds = quantity(text, 'time');
    if (seconds >= 0) return seconds;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  throw new UserError(`${flag}: expected a time such as ${example}, got ${shown(text)}`);
}

import type { RequestFacts } from '../model/analytic/request.ts';
import { UserError } from '../model/input/userError.ts';
import type { RequestFlags } from './flags/request.ts';
import { secondsOf } from './quantities.ts';

const TIMES = ['before', 'after', 'switch'] as const;

/**
 * What the flags ask of a request; null where they ask for none.
 *
 * @throws UserError for what is no time, and for times of a request that has no steps.
 */
export function requestFacts(flags: RequestFlags): RequestFacts | null {
  const { steps } = flags;
  const given = TIMES.flatMap((name) => {
    const text = flags[name];
    return text === undefined ? [] : [[name, text] as const];
  });
  if (steps === undefined) {
    if (given.length === 0) return null;
    throw new UserError(`--${given[0]![0]}: is a part of a whole request; give its --steps, or leave it out`);
  }
  const {
    before,
    after,
    switch: switched,
  } = Object.fromEntries(given.map(([name, text]) => [name, secondsOf(`--${name}`, text, '1.2s')]));
  return { steps, beforeS: before ?? 0, afterS: after ?? 0, switchS: switched ?? null };
}

import type { RequestFacts } from '../analytic/request.ts';
import { secondsOf } from '../input/givenQuantity.ts';
import { UserError } from '../input/userError.ts';
import type { RequestQuestion } from './question.ts';

const TIMES = ['before', 'after', 'switch'] as const;

/**
 * What a question asks of a whole request; null where it asks for none.
 *
 * @throws UserError for what is no time, and for times of a request that has no steps.
 */
export function requestFacts(question: RequestQuestion): RequestFacts | null {
  const { steps } = question;
  const given = TIMES.flatMap((name) => {
    const text = question[name];
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

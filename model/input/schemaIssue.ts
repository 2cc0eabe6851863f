import type { z } from 'zod';
import { shown } from './userError.ts';

/**
 * What a schema expected of a value and what it got, for a message behind the value's path.
 *
 * @example issueText(issue) // 'is missing; expected string', or 'expected number, got "soon"'
 */
export function issueText(issue: z.core.$ZodIssue): string {
  const text = (issue.message.charAt(0).toLowerCase() + issue.message.slice(1)).replace(
    /^invalid input: /,
    '',
  );
  if (issue.input === undefined) return `is missing; ${text.replace(/, received .*$/, '')}`;
  // A whole map or record says nothing: the message names what is wrong in it.
  const isOfWhole = issue.code === 'custom' && typeof issue.input === 'object';
  if (issue.code === 'unrecognized_keys' || isOfWhole) return text;
  return text.includes(', got ') ? text : `${text.replace(/, received .*$/, '')}, got ${shown(issue.input)}`;
}

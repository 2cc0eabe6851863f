import { shown, UserError } from '../input/userError.ts';

const MAX_NAMES = 1000;

/**
 * The names that a name with braces stands for, in the order written; a name without braces is itself.
 *
 * @throws UserError if braces are nested, empty or not closed, or stand for more than a thousand names.
 * @example expandBraces('attn.to_{q,k}.weight') // ['attn.to_q.weight', 'attn.to_k.weight']
 */
export function expandBraces(name: string): string[] {
  let names = [''];
  for (const part of name.split(/(\{[^{}]*\})/)) {
    const choices = part.startsWith('{') ? part.slice(1, -1).split(',') : [part];
    if (/[{}]/.test(choices.join('')) || (part.startsWith('{') && choices.includes(''))) {
      throw new UserError(`tensor name ${shown(name)}: expected braces such as "to_{q,k,v}.weight"`);
    }
    if (names.length * choices.length > MAX_NAMES) {
      throw new UserError(
        `tensor name ${shown(name)}: stands for more than ${MAX_NAMES} names; write fewer braces`,
      );
    }
    names = names.flatMap((start) => choices.map((choice) => start + choice));
  }
  return names;
}

import { UserError } from '../../model/input/userError.ts';
import type { ImportedText } from './importedText.ts';

/**
 * Checks that a text is whole JSON.
 *
 * @throws UserError with the line where it stops being JSON, which is the last one of a text that was cut
 * short.
 */
export function checkJson({ file, text }: ImportedText): void {
  const fault = faultOf(text);
  if (fault === 'none') return;
  const end = fault === 'cut short' ? text.trimEnd().length : lengthUntilFault(text);
  const line = text.slice(0, end).split('\n').length;
  throw new UserError(
    fault === 'cut short'
      ? 'the JSON is cut short here; run the tool again and keep all of its output'
      : 'is no JSON here; keep only what the tool printed as JSON, without other output around it',
    { file, line },
  );
}

function faultOf(text: string): 'none' | 'cut short' | 'wrong' {
  try {
    JSON.parse(text);
    return 'none';
  } catch (error) {
    return /end of JSON|Unterminated|No number after/.test((error as SyntaxError).message)
      ? 'cut short'
      : 'wrong';
  }
}

/**
 * Node 20 does not say where most faults are: the shortest start of the text that is more than cut short ends
 * there.
 */
function lengthUntilFault(text: string): number {
  let whole = 0;
  let faulty = text.length;
  while (faulty - whole > 1) {
    const middle = (whole + faulty) >> 1;
    if (faultOf(text.slice(0, middle)) === 'wrong') faulty = middle;
    else whole = middle;
  }
  return faulty;
}

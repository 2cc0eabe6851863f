import { fixedText } from '../../studies/numberText.ts';
import type { Cell } from '../report.ts';

const NO_ANSWER = '\u2013';

/** A cell as it is read: numbers with their decimals and a true minus, a dash where there is no answer. */
export function cellText(cell: Cell, digits: number): string {
  if (cell === null) return NO_ANSWER;
  if (typeof cell === 'string') return cell;
  return fixedText(cell, digits).replace('-', '\u2212');
}

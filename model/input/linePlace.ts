import type { Place } from './userError.ts';

/** Offsets at which the lines of a text begin; the places of many offsets are then found without counting anew. */
export function lineStarts(text: string): number[] {
  const starts = [0];
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  return starts;
}

/** Line and column of an offset, by the starts of the lines. */
export function placeAt(file: string, starts: readonly number[], offset: number): Place {
  let line = 0;
  let above = starts.length;
  while (above - line > 1) {
    const middle = (line + above) >> 1;
    if (starts[middle]! <= offset) line = middle;
    else above = middle;
  }
  return { file, line: line + 1, column: offset - starts[line]! + 1 };
}

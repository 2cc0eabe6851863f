import stringWidth from 'fast-string-width';
import { type Layout, PIPED } from './layout.ts';

/** Columns that a text takes in a terminal, where some letters take two and accents none. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** Where a word that is wider than a line may be broken: behind what separates settings, folders and words. */
const BREAKS = /[,;=/:-]/;

/**
 * A text in lines of at most `width` columns, those behind the first of `later`, broken at blanks; a wider word behind its punctuation, or
 * where the line ends.
 *
 * @example wrapped('stream all of it', 10) // ['stream all', 'of it']
 */
export function wrapped(text: string, width: number, later = width): string[] {
  const lines: string[] = [];
  const room = () => (lines.length === 0 ? width : later);
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (widthOf(longer) <= room()) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    while (widthOf(line) > room()) {
      const end = breakOf(line, room());
      lines.push(line.slice(0, end));
      line = line.slice(end);
    }
  }
  return [...lines, line];
}

/** Where a word is broken that does not fit: an index of its string. */
function breakOf(word: string, width: number): number {
  let [end, nicer, columns] = [0, 0, 0];
  for (const letter of word) {
    columns += widthOf(letter);
    if (columns > width && end > 0) break;
    end += letter.length;
    if (BREAKS.test(letter)) nicer = end;
  }
  // A line of half its width is not worth a nicer place.
  return 2 * nicer > end ? nicer : end;
}

/** A sentence as lines with a line end each, all but the first indented by `indent` blanks beyond those that it begins with. */
export function paragraph(text: string, { width }: Layout = PIPED, indent = 2): string {
  const sentence = text.trimStart();
  const lead = text.length - sentence.length;
  return wrapped(sentence, width - lead, width - lead - indent)
    .map((line, index) => `${' '.repeat(lead + (index === 0 ? 0 : indent))}${line}\n`)
    .join('');
}

/** Several lines of sentences, each by itself. */
export function paragraphs(text: string, layout: Layout = PIPED): string {
  const lines = text.endsWith('\n') ? text.slice(0, -1) : text;
  return lines
    .split('\n')
    .map((line) => paragraph(line, layout))
    .join('');
}

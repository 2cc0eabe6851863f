import type { ImportedText } from './importedText.ts';

/** Lines that begin with a brace and are no JSON, such as a log's, before the search gives up. */
const MOST_TRIED = 200;

/**
 * The JSON objects of a text that begin at the start of a line and that `isOf` knows by their first characters, each with all other
 * text blanked so that places hold: logs and warnings may stand around them. The last one may be cut short.
 */
export function embeddedJson({ file, text }: ImportedText, isOf: (start: string) => boolean): ImportedText[] {
  const found: ImportedText[] = [];
  let from = 0;
  for (let tried = 0; tried < MOST_TRIED; tried += 1) {
    const start = nextObject(text, from);
    if (start < 0) break;
    if (!isOf(text.slice(start, start + 2000))) {
      from = start + 1;
      continue;
    }
    const end = endOfObject(text, start);
    found.push(only(file, text, start, end));
    from = end;
  }
  return found;
}

/** The element of a name with all that is in it, as embeddedJson; null where there is none. */
export function embeddedXml({ file, text }: ImportedText, name: string): ImportedText | null {
  const start = text.search(new RegExp(`<${name}[\\s>/]`));
  if (start < 0) return null;
  const close = text.lastIndexOf(`</${name}>`);
  return only(file, text, start, close < start ? text.length : close + `</${name}>`.length);
}

function only(file: string, text: string, start: number, end: number): ImportedText {
  const blank = (part: string) => part.replaceAll(/[^\n]/g, ' ');
  const kept = `${blank(text.slice(0, start))}${text.slice(start, end)}${blank(text.slice(end))}`;
  return { file, text: kept, lines: kept.split('\n') };
}

function nextObject(text: string, from: number): number {
  const pattern = /^[ \t]*\{/gm;
  pattern.lastIndex = from;
  const found = pattern.exec(text);
  return found === null ? -1 : found.index + found[0].length - 1;
}

/** Behind the brace that closes an object; the end of the text where none does. */
function endOfObject(text: string, start: number): number {
  let depth = 0;
  const marks = /"(?:[^"\\\n]|\\.)*"|[{}]/g;
  marks.lastIndex = start;
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    if (mark[0] === '{') depth += 1;
    else if (mark[0] === '}') depth -= 1;
    if (depth === 0) return marks.lastIndex;
  }
  return text.length;
}

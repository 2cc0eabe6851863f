import type { TaggedLine } from './launcherPrefix.ts';

/** Lines that only mark what is between them: fences of Markdown, elements of an HTML page. */
const MARK = /^\s*(?:(?:```|~~~)[\w+-]*|<\/?(?:pre|code|details|blockquote)[^<>]*>)\s*$/i;
const QUOTED = /^\s*(["'])(.*)\1,?\s*$/;

/** Lines without the marks of a quotation, and without quotes where most lines are in such; JSON is no such text. */
export function withoutQuotes(lines: readonly TaggedLine[]): TaggedLine[] {
  const unmarked = lines.map((line) => (MARK.test(line.text) ? { ...line, text: '' } : line));
  const full = unmarked.filter(({ text }) => text.trim() !== '');
  const isJson = full.some(({ text }) => /^\s*\{/.test(text));
  const quoted = full.filter(({ text }) => QUOTED.test(text)).length;
  if (isJson || quoted * 2 <= full.length) return unmarked;
  return unmarked.map((line) => ({
    ...line,
    text: line.text.replace(QUOTED, (_, __, inner: string) => inner.replaceAll('\\t', '\t')),
  }));
}

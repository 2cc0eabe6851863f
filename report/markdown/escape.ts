import { printable } from '../../model/input/userError.ts';

/**
 * A sentence as Markdown that shows exactly it: no markup, link, mention or HTML comes of what a name in it contains, and what turns the
 * direction of text is written out.
 */
export function markdownText(text: string): string {
  return printable(text)
    .replace(/[\\`*_{}[\]|~$]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/^([-+]|#+|=+|-+)(?=\s|$)/, '\\$1')
    .replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2')
    .replace(/[@#](?=\w)/g, '$&<!-- -->')
    .replace(/(:\/\/|www)(?=\S)/g, '$1<!-- -->');
}

/** Words and numbers that mean nothing to Markdown. */
const PLAIN = /^(?!.*(:\/\/|www))[\p{L}\p{N} .,:;()%/=+\u2212\u2013-]*$/u;

/** A cell of a table: plain words as they are, everything else as code. */
export function markdownCell(text: string): string {
  const shown = printable(text);
  if (PLAIN.test(shown)) return shown;
  const fence = '`'.repeat(longestRun(shown) + 1);
  const room = shown.startsWith('`') || shown.endsWith('`') ? ' ' : '';
  // A table takes its bars out before code is read.
  return `${fence}${room}${shown.replaceAll('|', '\\|')}${room}${fence}`;
}

/** Lines of code behind a fence that they do not contain. */
export function markdownCode(text: string, language: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

/** Backticks that stand in a row at the most. */
function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}

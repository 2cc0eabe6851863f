/**
 * Escape sequences of a terminal: colours and moves of the cursor, titles, and a colour whose escape character was lost when it was
 * copied from a web page (`[4mGPU0`).
 */
const ESCAPE = String.fromCharCode(27);
const BELL = String.fromCharCode(7);
const SEQUENCES = new RegExp(
  [
    `${ESCAPE}\\][^${BELL}${ESCAPE}\\n]*(?:${BELL}|${ESCAPE}\\\\)`,
    `${ESCAPE}\\[[0-?]*[ -/]*[@-~]`,
    '(?:\\^\\[|\\ufffd|\\u241b)?\\[\\d{0,3}(?:;\\d{1,3})*m',
  ].join('|'),
  'g',
);

/** Text as a terminal shows it: nvidia-smi underlines its header, even in a pipe on some drivers. */
export function withoutEscapes(text: string): string {
  return text.replaceAll(SEQUENCES, '');
}

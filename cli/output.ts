import { type Layout, layoutOf } from './text/layout.ts';

/** Where a command's text goes: results to one stream, diagnostics to the other. */
export interface Output {
  result(text: string): void;
  diagnostic(text: string): void;
  /** Whether diagnostics go to a terminal, where a line can be drawn again. */
  terminal: boolean;
  /** How results are laid out. */
  layout: Layout;
}

/** The process's own streams: results on stdout, diagnostics on stderr. */
export const processOutput: Output = {
  result: (text) => process.stdout.write(text),
  diagnostic: (text) => process.stderr.write(text),
  terminal: process.stderr.isTTY === true,
  layout: layoutOf(process.stdout),
};

/** A value as indented JSON with a line end, ready to print. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

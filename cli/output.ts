import { type Layout, layoutOf } from './text/layout.ts';

/** Where a command's text goes: results to one stream, diagnostics to the other. */
export interface Output {
  result(text: string): void;
  diagnostic(text: string): void;
  /** Whether diagnostics go to a terminal, where a line can be drawn again. */
  terminal: boolean;
  /** How results are laid out. */
  layout: Layout;
  /** Whether somebody sits at a terminal who can be asked; absent where nobody does. */
  asks?: boolean;
}

/** The process's own streams: results on stdout, diagnostics on stderr. */
export const processOutput: Output = {
  result: (text) => process.stdout.write(text),
  diagnostic: (text) => process.stderr.write(text),
  terminal: process.stderr.isTTY === true,
  layout: layoutOf(process.stdout),
  asks: process.stdin.isTTY === true && process.stdout.isTTY === true,
};

/** A value as indented JSON with a line end, ready to print. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

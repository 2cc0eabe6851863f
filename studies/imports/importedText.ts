import { readFileSync, statSync } from 'node:fs';
import { UserError } from '../../model/input/userError.ts';

const MAX_BYTES = 64 * 1024 * 1024;

/** A file of another tool as text, without a byte-order mark and with `\n` at the ends of lines. */
export interface ImportedText {
  file: string;
  text: string;
  /** The text by line; line n of an editor is `lines[n - 1]`. */
  lines: readonly string[];
}

/**
 * Reads a file that another tool wrote.
 *
 * @throws UserError if it cannot be read, is empty, or has more than 64 MiB.
 */
export function readImportedText(file: string): ImportedText {
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > MAX_BYTES) {
      throw new UserError(`has ${size} bytes, expected at most ${MAX_BYTES}; is it a measurement?`, { file });
    }
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`cannot be read (${code}); give the path of a file`, { file });
  }
  text = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  if (text.trim() === '') throw new UserError('is empty; run the tool again and keep its output', { file });
  return { file, text, lines: text.split('\n') };
}

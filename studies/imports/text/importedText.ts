import { readFileSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { withoutEscapes } from '../../../model/input/terminalText.ts';
import { UserError } from '../../../model/input/userError.ts';
import { type TaggedLine, withoutPrefixes } from './launcherPrefix.ts';
import { withoutQuotes } from './quotedText.ts';

const MAX_BYTES = 64 * 1024 * 1024;

/** Stands for the standard input where a file is asked for. */
export const STANDARD_INPUT = '-';

/** A file of another tool as text, without a byte-order mark and with `\n` at the ends of lines. */
export interface ImportedText {
  file: string;
  text: string;
  /** The text by line; line n of an editor is `lines[n - 1]`. */
  lines: readonly string[];
}

/** A file as it is read: what each process printed, where a launcher says it, and all of it together. */
export interface ImportedFile extends ImportedText {
  /** Lines of one process each, with every other line empty; one for all where none is named. */
  processes: { name: string; source: ImportedText }[];
}

/**
 * Reads a file that another tool wrote, or the standard input (`-`): plain or gzipped, in UTF-8 or UTF-16 as PowerShell writes it,
 * without colours, prefixes of launchers, and quotes.
 *
 * @throws UserError if it cannot be read, is empty, or has more than 64 MiB.
 */
export function readImportedText(file: string): ImportedFile {
  const name = file === STANDARD_INPUT ? 'standard input' : file;
  const raw = decoded(unzipped(bytesOf(file, name), name), name);
  const text = withoutEscapes(raw.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n'));
  if (text.trim() === '')
    throw new UserError('is empty; run the tool again and keep its output', { file: name });
  const lines = withoutQuotes(withoutPrefixes(text.split('\n')));
  return { ...textOf(name, lines), processes: processesOf(name, lines) };
}

function textOf(file: string, tagged: readonly TaggedLine[]): ImportedText {
  const lines = tagged.map(({ text }) => text);
  return { file, text: lines.join('\n'), lines };
}

function processesOf(file: string, lines: readonly TaggedLine[]): ImportedFile['processes'] {
  const names = [...new Set(lines.map(({ process }) => process))].filter((name) => name !== '');
  if (names.length < 2) return [{ name: '', source: textOf(file, lines) }];
  return names.map((name) => ({
    name,
    source: textOf(
      file,
      lines.map((line) => (line.process === name ? line : { text: '', process: name })),
    ),
  }));
}

function bytesOf(file: string, name: string): Buffer {
  try {
    if (file === STANDARD_INPUT) return checkedSize(readFileSync(0), name);
    const { size } = statSync(file);
    checkSize(size, name);
    return readFileSync(file);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`cannot be read (${code}); give the path of a file`, { file: name });
  }
}

function checkedSize(bytes: Buffer, name: string): Buffer {
  checkSize(bytes.length, name);
  return bytes;
}

function checkSize(size: number, file: string): void {
  if (size <= MAX_BYTES) return;
  throw new UserError(`has ${size} bytes, expected at most ${MAX_BYTES}; is it a measurement?`, { file });
}

function unzipped(bytes: Buffer, file: string): Buffer {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(
      code === 'ERR_BUFFER_TOO_LARGE'
        ? `has more than ${MAX_BYTES} bytes unzipped; is it a measurement?`
        : `is no whole gzip (${code}); copy the file again`,
      { file },
    );
  }
}

function decoded(bytes: Buffer, file: string): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString('utf16le');
  if (bytes[0] !== 0xfe || bytes[1] !== 0xff) return bytes.toString('utf8');
  if (bytes.length % 2 === 1) throw new UserError('is no whole UTF-16; copy the file again', { file });
  return Buffer.from(bytes).swap16().toString('utf16le');
}

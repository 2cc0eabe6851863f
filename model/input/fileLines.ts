import { closeSync, openSync, readSync } from 'node:fs';
import { UserError } from './userError.ts';

/** Texts of lines share that of their chunk: larger ones outlive the collector's young generation. */
const CHUNK_BYTES = 64 * 1024;
const COUNTED_BYTES = 4 * 1024 * 1024;
/** A line of any of our formats has kilobytes, a timeline's some megabytes. */
const MOST_BYTES = 256 * 1024 * 1024;

/** A line of a file, without its end. */
export interface FileLine {
  text: string;
  /** From 1. */
  number: number;
  /** False for what stands behind the last end of line: what was being written when its writer was killed. */
  isWhole: boolean;
}

/**
 * The lines of a file one after another, so that a file of any length takes the memory of its longest line.
 *
 * @param remedy end of the message for a file that cannot be read.
 * @throws UserError for a file that cannot be read, and for a line of more than 256 MiB.
 */
export function* fileLines(file: string, remedy: string): Generator<FileLine> {
  const attempt = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw new UserError(`cannot be read (${(error as NodeJS.ErrnoException).code}); ${remedy}`, { file });
    }
  };
  const descriptor = attempt(() => openSync(file, 'r'));
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let begun: Buffer[] = [];
    let begunBytes = 0;
    let number = 1;
    for (;;) {
      const read = chunk.subarray(
        0,
        attempt(() => readSync(descriptor, chunk, 0, CHUNK_BYTES, null)),
      );
      if (read.length === 0) break;
      const end = read.lastIndexOf('\n');
      if (end >= 0) {
        const text = Buffer.concat([...begun, read.subarray(0, end)]).toString('utf8');
        for (const line of text.split('\n')) yield { text: line, number: number++, isWhole: true };
        begun = [];
        begunBytes = 0;
      }
      const rest = Buffer.from(read.subarray(end + 1));
      begun.push(rest);
      begunBytes += rest.length;
      if (begunBytes > MOST_BYTES)
        throw new UserError(`the line has more than ${MOST_BYTES} bytes; is it another file?`, {
          ...{ file, line: number },
        });
    }
    if (begunBytes > 0) yield { text: Buffer.concat(begun).toString('utf8'), number, isWhole: false };
  } finally {
    closeSync(descriptor);
  }
}

/** How many lines a file has, in a fraction of the time that reading them takes; 0 where that cannot be told beforehand. */
export function countLines(file: string): number {
  let lines = 0;
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return 0;
  }
  try {
    const chunk = Buffer.allocUnsafe(COUNTED_BYTES);
    for (let bytes = -1; bytes !== 0; ) {
      bytes = readSync(descriptor, chunk, 0, COUNTED_BYTES, null);
      const read = chunk.subarray(0, bytes);
      for (let at = read.indexOf(10); at >= 0; at = read.indexOf(10, at + 1)) lines += 1;
    }
    return lines;
  } catch {
    return 0;
  } finally {
    closeSync(descriptor);
  }
}

import { fileLines } from '../../model/input/fileLines.ts';
import type { StepRun } from './stepFormat.ts';

interface Line {
  file: string;
  number: number;
}

/** How a line of a dataset stands to those before it. */
export type Standing = { is: 'new' | 'repeated' } | { is: 'other'; of: Line };

/**
 * Tells lines of datasets that have been read already, and lines that say otherwise what an earlier one says of the same measurement.
 * Lines are kept as hashes: a million of them take little memory.
 */
export class Measurements {
  /** Step times by the hash of the line that says them. */
  readonly #lines = new Map<number, number>();
  /** By the hash of what names a measurement; of records that do not name their node none is certain to be the same. */
  readonly #named = new Map<number, number>();
  readonly #files: string[] = [];

  /** @param text of the line, which is kept as a hash. */
  add(run: StepRun, text: string, { file, number }: Line): Standing {
    const hash = hashOf(text);
    if (this.#lines.get(hash) === run.stepS) return { is: 'repeated' };
    this.#lines.set(hash, run.stepS);
    const name = nameOf(run);
    if (name === null) return { is: 'new' };
    const key = hashOf(name);
    const before = this.#named.get(key);
    if (before !== undefined) {
      const of = { file: this.#files[before % MOST_FILES]!, number: Math.floor(before / MOST_FILES) };
      // Names are compared where hashes agree: a line is refused for what it says, never for its hash.
      if (nameOf(earlierRun(of)) === name) return { is: 'other', of };
    }
    if (this.#files.at(-1) !== file) this.#files.push(file);
    this.#named.set(key, number * MOST_FILES + this.#files.length - 1);
    return { is: 'new' };
  }
}

/** A place is one number: of a line and of its file. */
const MOST_FILES = 2 ** 20;

/** What no two measurements share: a node runs one program at a time on one GPU. Null where the node is not said. */
function nameOf({ node, gpus, startedAt, cell, plan, mode }: StepRun): string | null {
  if (node === undefined) return null;
  return [node, ...(gpus ?? []).map(({ pciBus }) => pciBus), startedAt, cell.id, plan, mode].join('\n');
}

function earlierRun({ file, number }: Line): StepRun {
  for (const line of fileLines(file, 'give a dataset'))
    if (line.number === number) return JSON.parse(line.text);
  throw new Error(`${file} has no line ${number} any more`);
}

const FIRST_PRIME = 0x01000193;
const SECOND_PRIME = 0x85ebca6b;

/** 53 bits of two multiplicative hashes of a text. */
function hashOf(text: string): number {
  let first = 0x811c9dc5;
  let second = 0x9e3779b9;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    first = Math.imul(first ^ unit, FIRST_PRIME);
    second = Math.imul(second + unit, SECOND_PRIME) ^ (second >>> 15);
  }
  return (first >>> 0) * 2 ** 21 + ((second >>> 0) & 0x1fffff);
}

import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { UserError } from '../../model/input/userError.ts';
import { runCli } from '../support/runCli.ts';
import { type Format, formatsIn } from './formats.ts';
import { type Draws, drawsOf, MUTATIONS } from './mutations.ts';

/** What became of one damaged input. */
export interface Outcome {
  format: string;
  mutations: readonly string[];
  /** `failed` says in `why` which rule it broke. */
  end: 'accepted' | 'refused' | 'failed';
  why: string;
}

const LONGEST_LINE = 4200;

/** Damages inputs of all formats and gives them to what reads them; input `index` of a seed is always the same. */
export class Fuzzer {
  readonly #formats: readonly Format[];
  readonly #seed: number;

  private constructor(formats: readonly Format[], seed: number) {
    this.#formats = formats;
    this.#seed = seed;
  }

  static async in(folder: string, seed: number): Promise<Fuzzer> {
    return new Fuzzer(await formatsIn(folder), seed);
  }

  /** What input `index` is, without reading it. */
  describe(index: number): { format: string; mutations: string[]; text: string } {
    const { format, mutations, text } = this.#input(index);
    return { format: format.name, mutations, text };
  }

  async run(index: number): Promise<Outcome> {
    const { format, mutations, text, draws } = this.#input(index);
    if (format.file !== null) {
      mkdirSync(dirname(format.file), { recursive: true });
      writeFileSync(format.file, format.bytes?.(text, draws) ?? text);
    }
    const of = { format: format.name, mutations };
    const reader = format.read(text, draws);
    const named: Named = {
      ...{ file: format.file === null ? null : basename(format.file), beside: format.beside ?? [] },
    };
    if (typeof reader === 'function') return { ...of, ...called(reader, named) };
    if (reader.some((argument) => argument.includes('\u0000'))) return { ...of, end: 'refused', why: '' };
    return { ...of, ...judged(await runCli(reader), named) };
  }

  #input(index: number): { format: Format; mutations: string[]; text: string; draws: Draws } {
    const draws = drawsOf(this.#seed * 1_000_003 + index);
    const format = this.#formats[index % this.#formats.length]!;
    const others = this.#formats.filter((other) => other !== format).map(({ good }) => good);
    const names = Object.keys(MUTATIONS);
    const mutations = Array.from({ length: draws.one([1, 1, 1, 2, 3]) }, () => draws.one(names));
    const text = mutations.reduce((given, name) => MUTATIONS[name]!(given, draws, others), format.good);
    return { format, mutations, text, draws };
  }
}

/** The files of an input: the damaged one, null for text that is an argument, and those beside it. */
interface Named {
  file: string | null;
  beside: readonly string[];
}

function called(reader: () => unknown, named: Named): Pick<Outcome, 'end' | 'why'> {
  try {
    reader();
    return { end: 'accepted', why: '' };
  } catch (error) {
    if (!(error instanceof UserError)) return { end: 'failed', why: (error as Error).stack ?? String(error) };
    return placeIn(error.message, named);
  }
}

function judged(
  { code, stderr }: { code: number; stderr: string },
  named: Named,
): Pick<Outcome, 'end' | 'why'> {
  const failed = (why: string) => ({ end: 'failed' as const, why: `${why}: ${stderr.slice(0, 1500)}` });
  if (/^ {4}at /m.test(stderr)) return failed('a stack');
  const lines = stderr.split('\n');
  const errors = lines.filter((line) => line.startsWith('error: '));
  if (lines.some((line) => line.length > LONGEST_LINE)) return failed('a line without an end');
  if (code === 0) return { end: 'accepted', why: '' };
  // A run that failed, or was cut off, is told in its notes.
  if (code === 1 && stderr !== '') return { end: 'accepted', why: '' };
  if (code !== 2) return failed(`exit code ${code}`);
  if (errors.length !== 1) return failed(`${errors.length} lines of errors`);
  return placeIn(errors[0]!, named);
}

/** A refusal has a place where it names the damaged file, or begins with file and line of one beside it. */
export function placeIn(message: string, { file, beside }: Named): Pick<Outcome, 'end' | 'why'> {
  const text = message.replace(/^error: /, '');
  // A damaged name of another file leads to that file, which is not there.
  const isOther = /^[^:]+: cannot be read \(/.test(text);
  const isDamaged = file === null ? /--|plan|"/.test(text) : text.includes(file);
  const [, start] = /^(\/[^:\n]+):\d+(?::\d+)?: ./.exec(text) ?? [];
  const isBeside = start !== undefined && beside.includes(basename(start));
  return isOther || isDamaged || isBeside
    ? { end: 'refused', why: '' }
    : { end: 'failed', why: `no place: ${message.slice(0, 500)}` };
}

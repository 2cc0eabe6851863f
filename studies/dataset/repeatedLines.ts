import { type Provenance, provenanceOf, type StepRun } from './stepFormat.ts';

/** Lines whose texts are kept: datasets of more plans than that are read in full from there on. */
const MOST_KEPT = 10_000;
/** Lines of one plan that differ in more than measured numbers, such as the date of their run. */
const MOST_OF_A_PLAN = 8;
/** Member that follows what names the plan. */
const FIRST_MEASURED = ',"stepS":';
/** Stands for a number; no text of a line has it unescaped within quotes of its own. */
const MARK = '\u0000';
const MARK_JSON = JSON.stringify(MARK);
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** A line of a dataset that has been read: its text between the measured numbers. */
interface KnownLine {
  texts: readonly string[];
  run: StepRun;
  provenance: Provenance;
}

/**
 * Reads lines that differ from an earlier line only in measured numbers, without JSON and
 * schema: every other text is compared with the earlier line's, and the numbers are held to a step's bounds.
 */
export class RepeatedLines {
  readonly #known = new Map<string, KnownLine[]>();
  #kept = 0;

  /** The line's step; null for a line that has to be read in full. */
  read(line: string): StepRun | null {
    for (const { texts, ...known } of this.#known.get(planText(line)) ?? []) {
      const numbers = numbersBetween(line, texts);
      if (numbers !== null) return withNumbers(known, numbers);
    }
    return null;
  }

  /** Keeps a line that has been read in full, unless it is not written as `chunkflow` writes it. */
  keep(line: string, run: StepRun): void {
    if (this.#kept === MOST_KEPT) return;
    const texts = JSON.stringify(marked(run)).split(MARK_JSON);
    if (numbersBetween(line, texts) === null) return;
    const plan = planText(line);
    const lines = this.#known.get(plan) ?? [];
    if (lines.length === MOST_OF_A_PLAN) return;
    lines.push({ texts, run, provenance: provenanceOf(run) });
    this.#known.set(plan, lines);
    this.#kept += 1;
  }
}

function planText(line: string): string {
  return line.slice(0, Math.max(0, line.indexOf(FIRST_MEASURED)));
}

/** The numbers that stand between the texts of a line; null where the line is another. */
function numbersBetween(line: string, texts: readonly string[]): number[] | null {
  // Compared as slices: `startsWith` goes through them character by character, and takes eight times as long.
  let at = texts[0]!.length;
  if (line.slice(0, at) !== texts[0]) return null;
  const numbers: number[] = [];
  for (let index = 1; index < texts.length; index += 1) {
    const text = texts[index]!;
    NUMBER.lastIndex = at;
    if (!NUMBER.test(line)) return null;
    const end = NUMBER.lastIndex;
    numbers.push(Number(line.slice(at, end)));
    at = end + text.length;
    if (line.slice(end, at) !== text) return null;
  }
  return at === line.length ? numbers : null;
}

/** The run with a mark in place of each measured number, in the order of `withNumbers`. */
function marked(run: StepRun): unknown {
  const mark = (value: number | null) => (value === null ? null : MARK);
  return {
    ...run,
    ...{ stepS: MARK, madS: MARK, visitS: run.visitS.map(mark), steps: MARK },
    ...{ smHz: mark(run.smHz), powerW: mark(run.powerW) },
    memory: {
      claimedBytes: MARK,
      ...(run.memory.reserveBytes === undefined ? {} : { reserveBytes: MARK }),
      ...{ deviceBytes: MARK, pinnedBytes: MARK, claimedPinnedBytes: MARK },
    },
    segments: run.segments.map((segment) => ({ ...segment, seconds: MARK })),
  };
}

/** The run with other numbers; null where they may be none of a step, which a full reading decides and puts in words. */
function withNumbers(
  { run, provenance }: Pick<KnownLine, 'run' | 'provenance'>,
  numbers: readonly number[],
): StepRun | null {
  // Stricter than the schema nowhere but in what it refuses anyway, and without its cost for each number.
  for (const number of numbers) if (!(number >= 0 && number < Number.POSITIVE_INFINITY)) return null;
  let at = 2;
  const visitS: number[] = [];
  for (const _ of run.visitS) visitS.push(numbers[at++]!);
  const steps = numbers[at++]!;
  const smHz = run.smHz === null ? null : numbers[at++]!;
  const powerW = run.powerW === null ? null : numbers[at++]!;
  if (numbers[0] === 0 || visitS.includes(0) || smHz === 0 || steps === 0 || !Number.isSafeInteger(steps))
    return null;
  const memory = {
    claimedBytes: numbers[at++]!,
    ...(run.memory.reserveBytes === undefined ? {} : { reserveBytes: numbers[at++]! }),
    deviceBytes: numbers[at++]!,
    pinnedBytes: numbers[at++]!,
    claimedPinnedBytes: numbers[at++]!,
  };
  const segments: StepRun['segments'] = [];
  for (const { name, category, count } of run.segments)
    segments.push({ name, category, count, seconds: numbers[at++]! });
  return {
    schema: run.schema,
    experiment: run.experiment,
    split: run.split,
    cell: run.cell,
    plan: run.plan,
    ...(run.planFile === undefined ? {} : { planFile: run.planFile }),
    mode: run.mode,
    place: run.place,
    transport: run.transport,
    fingerprint: run.fingerprint,
    stepProgram: run.stepProgram,
    stepS: numbers[0]!,
    madS: numbers[1]!,
    ...{ visitS, steps, smHz, powerW, memory },
    sameOutput: run.sameOutput,
    segments,
    device: run.device,
    ...provenance,
    libraries: run.libraries,
    runtime: run.runtime,
    startedAt: run.startedAt,
  };
}

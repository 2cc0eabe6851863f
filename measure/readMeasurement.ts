import { fileLines } from '../model/input/fileLines.ts';
import { type Place, shown, UserError } from '../model/input/userError.ts';
import { checkedRecord, recordLine } from './recordLine.ts';
import type { MeasurementRecord, RecordName } from './records.ts';

/** One run of one program, as its results file tells it. Plans are named by their number in the program. */
export interface MeasuredRun {
  /** Where it stands. */
  file: string;
  line: number;
  run: MeasurementRecord<'run'>;
  /** Null where the arenas were not surveyed. */
  arena: MeasurementRecord<'arena'> | null;
  memory: MeasurementRecord<'memory'>[];
  outputs: MeasurementRecord<'output'>[];
  verifications: MeasurementRecord<'verify'>[];
  visits: MeasurementRecord<'visit'>[];
  timelines: MeasurementRecord<'timeline'>[];
  cases: MeasurementRecord<'case'>[];
  segments: MeasurementRecord<'segment'>[];
  paced: MeasurementRecord<'paced'>[];
  summaries: MeasurementRecord<'summary'>[];
  /** Null where the run was cut off. */
  end: MeasurementRecord<'end'> | null;
  /** Lines of its records, for messages about one of them. */
  lines: ReadonlyMap<object, number>;
}

/** Where a record of a run stands; the run itself, where it is none of its records. */
export function placeOfRecord({ file, line, lines }: MeasuredRun, record: object): Place {
  return { file, line: lines.get(record) ?? line };
}

export interface Measurement {
  runs: MeasuredRun[];
  /** What a reader of the numbers should know, one line each. */
  notes: string[];
}

/**
 * Reads results files. A last line that was cut off is left out with a note: a run may have been killed while it wrote.
 *
 * @throws UserError with file and line for anything else that is not a record, or that stands before its run.
 */
export function readMeasurement(files: readonly string[]): Measurement {
  const measurement: Measurement = { runs: [], notes: [] };
  for (const file of files) readFile(file, measurement);
  return measurement;
}

/** The same from lines in memory, such as those of a run in this process. */
export function readMeasurementLines(lines: readonly string[], source: string): Measurement {
  const measurement: Measurement = { runs: [], notes: [] };
  const reader = new RunReader(source, measurement);
  for (const [index, line] of lines.entries()) reader.read(line, index + 1);
  reader.close();
  return measurement;
}

function readFile(file: string, measurement: Measurement): void {
  const reader = new RunReader(file, measurement);
  for (const { text, number, isWhole } of fileLines(file, 'give a results file')) {
    if (!isWhole) measurement.notes.push(`${file}:${number}: the last line is cut off and was left out`);
    else if (text !== '') reader.read(text, number);
  }
  reader.close();
}

class RunReader {
  readonly #file: string;
  readonly #measurement: Measurement;
  #current: MeasuredRun | null = null;
  #lines = new Map<object, number>();

  constructor(file: string, measurement: Measurement) {
    this.#file = file;
    this.#measurement = measurement;
  }

  read(text: string, line: number): void {
    const place = { file: this.#file, line };
    const { name, value } = recordLine(text, place);
    if (name === 'run') {
      this.close();
      const run = this.#check('run', value, line);
      this.#lines = new Map();
      this.#current = {
        ...{
          file: this.#file,
          line,
          run,
          arena: null,
          memory: [],
          outputs: [],
          verifications: [],
          visits: [],
        },
        ...{ timelines: [], cases: [], segments: [], paced: [], summaries: [], end: null },
        lines: this.#lines,
      };
      this.#measurement.runs.push(this.#current);
      return;
    }
    const current = this.#current;
    if (current !== null && current.end === null) {
      this.#keep(current, name, value, line);
    } else if (name === 'end') {
      // What fails before it knows its devices writes nothing but its end.
      this.#noteFailedStart(this.#check('end', value, line), place);
    } else {
      throw new UserError(`${name} record outside a run; remove the line`, place);
    }
  }

  #keep(current: MeasuredRun, name: Exclude<RecordName, 'run'>, value: unknown, line: number): void {
    switch (name) {
      case 'arena':
        current.arena = this.#check(name, value, line);
        break;
      case 'memory':
        current.memory.push(this.#check(name, value, line));
        break;
      case 'output':
        current.outputs.push(this.#check(name, value, line));
        break;
      case 'verify':
        current.verifications.push(this.#check(name, value, line));
        break;
      case 'visit':
        current.visits.push(this.#check(name, value, line));
        break;
      case 'timeline':
        current.timelines.push(this.#check(name, value, line));
        break;
      case 'case':
        current.cases.push(this.#check(name, value, line));
        break;
      case 'segment':
        current.segments.push(this.#check(name, value, line));
        break;
      case 'paced':
        current.paced.push(this.#check(name, value, line));
        break;
      case 'summary':
        current.summaries.push(this.#check(name, value, line));
        break;
      case 'end':
        current.end = this.#check(name, value, line);
        break;
    }
  }

  /** Says what is wrong with the run that has just ended. */
  close(): void {
    const run = this.#current;
    this.#current = null;
    if (run === null) return;
    refuseMissingRecords(run);
    if (run.end?.ok) return;
    const why = run.end === null ? 'was cut off' : `failed: ${run.end.error}`;
    this.#measurement.notes.push(`${run.file}:${run.line}: the run of ${run.run.program} ${why}`);
  }

  #noteFailedStart(end: MeasurementRecord<'end'>, place: { file: string; line: number }): void {
    if (end.ok) throw new UserError('end record outside a run; remove the line', place);
    this.#measurement.notes.push(`${place.file}:${place.line}: a run failed before it began: ${end.error}`);
  }

  #check<Name extends RecordName>(name: Name, value: unknown, line: number): MeasurementRecord<Name> {
    const record = checkedRecord(name, value, { file: this.#file, line });
    this.#lines.set(record, line);
    return record;
  }
}

/**
 * A runtime writes a plan's rounds before their summary, and every round of its cases before the end: what is not there was lost
 * behind it, as in a file of which a part is missing.
 *
 * @throws UserError at the record that says what should be there.
 */
function refuseMissingRecords(run: MeasuredRun): void {
  const key = ({ plan, mode }: { plan: number; mode: string }) => `${plan} ${mode}`;
  const found = new Map<string, { rounds: number; steps: number }>();
  for (const visit of run.visits) {
    const { rounds, steps } = found.get(key(visit)) ?? { rounds: 0, steps: 0 };
    found.set(key(visit), { rounds: rounds + 1, steps: steps + visit.stepS.length });
  }
  for (const summary of run.summaries) {
    const { rounds, steps } = found.get(key(summary)) ?? { rounds: 0, steps: 0 };
    if (rounds === summary.rounds && steps === summary.steps) continue;
    throw new UserError(
      `summary of plan ${shown(summary.name)}, ${summary.mode}: is of ${summary.steps} steps in ${summary.rounds} rounds, and ` +
        `${steps} in ${rounds} stand before it; a part of the file is missing, measure it anew`,
      placeOfRecord(run, summary),
    );
  }
  const { cases, rounds } = run.run.options;
  if (!run.end?.ok || !Array.isArray(cases) || typeof rounds !== 'number' || run.cases.length === 0) return;
  const expected = cases.length * rounds;
  if (run.cases.length !== expected)
    throw new UserError(
      `the run of ${run.run.program} is of ${cases.length} cases in ${rounds} rounds, and has ${run.cases.length} case ` +
        `records of ${expected}; a part of the file is missing, measure it anew`,
      { file: run.file, line: run.line },
    );
}

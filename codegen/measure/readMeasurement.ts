import { readFileSync } from 'node:fs';
import { shown, UserError } from '../../model/input/userError.ts';
import { type MeasurementRecord, type RecordName, recordFormats } from './records.ts';

/** One run of one program, as its results file tells it. Plans are named by their number in the program. */
export interface MeasuredRun {
  /** Where it stands. */
  file: string;
  line: number;
  run: MeasurementRecord<'run'>;
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
  const lines = textOf(file).split('\n');
  // Behind the last end of line there is nothing, or what was being written when the run was killed.
  const rest = lines.pop()!;
  const reader = new RunReader(file, measurement);
  for (const [index, line] of lines.entries()) if (line !== '') reader.read(line, index + 1);
  if (rest !== '') {
    measurement.notes.push(`${file}:${lines.length + 1}: the last line is cut off and was left out`);
  }
  reader.close();
}

class RunReader {
  readonly #file: string;
  readonly #measurement: Measurement;
  #current: MeasuredRun | null = null;

  constructor(file: string, measurement: Measurement) {
    this.#file = file;
    this.#measurement = measurement;
  }

  read(text: string, line: number): void {
    const place = { file: this.#file, line };
    const value = parse(text, place);
    const name = recordName(value, place);
    if (name === 'run') {
      this.close();
      const run = this.#check('run', value, line);
      this.#current = {
        ...{ file: this.#file, line, run, memory: [], outputs: [], verifications: [], visits: [] },
        ...{ timelines: [], cases: [], segments: [], paced: [], summaries: [], end: null },
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
    if (run === null || run.end?.ok) return;
    const why = run.end === null ? 'was cut off' : `failed: ${run.end.error}`;
    this.#measurement.notes.push(`${run.file}:${run.line}: the run of ${run.run.program} ${why}`);
  }

  #noteFailedStart(end: MeasurementRecord<'end'>, place: { file: string; line: number }): void {
    if (end.ok) throw new UserError('end record outside a run; remove the line', place);
    this.#measurement.notes.push(`${place.file}:${place.line}: a run failed before it began: ${end.error}`);
  }

  #check<Name extends RecordName>(name: Name, value: unknown, line: number): MeasurementRecord<Name> {
    const result = recordFormats[name].safeParse(value);
    if (result.success) return result.data as MeasurementRecord<Name>;
    const issue = result.error.issues[0]!;
    const path = [name, ...issue.path].join('.');
    throw new UserError(`${path}: ${issue.message}`, { file: this.#file, line });
  }
}

function parse(text: string, place: { file: string; line: number }): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`is not JSON: ${(error as Error).message}`, place);
  }
}

function recordName(value: unknown, place: { file: string; line: number }): RecordName {
  const name = (value as { record?: unknown } | null)?.record;
  if (typeof name === 'string' && Object.hasOwn(recordFormats, name)) return name as RecordName;
  const known = Object.keys(recordFormats).join(', ');
  throw new UserError(`record: expected one of ${known}, got ${shown(name)}`, place);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`${shown(file)}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

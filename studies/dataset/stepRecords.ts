import { fileLines } from '../../model/input/fileLines.ts';
import { issueText } from '../../model/input/schemaIssue.ts';
import { type Place, shown, UserError } from '../../model/input/userError.ts';
import { Measurements } from './measurements.ts';
import { RepeatedLines } from './repeatedLines.ts';
import { type StepRun, stepRunFormat } from './stepFormat.ts';

export { type StepRun, stepRunFormat } from './stepFormat.ts';

/** Lines that one message names at the most. */
const MOST_NAMED = 20;
/** Parts of steps that are looked for among earlier ones: steps that share nothing must not fill the memory with keys. */
const MOST_SHARED = 100_000;

/** Measured steps one after another, with the place of the last one for messages about it. */
export interface StepSource extends Iterable<StepRun> {
  readonly place?: Place | undefined;
}

/**
 * Reads datasets of measured steps, JSON Lines of `chunkflow/steps@1`.
 *
 * @throws UserError as `DatasetReader`.
 */
export function readSteps(files: readonly string[]): StepRun[] {
  return [...new DatasetReader(files)];
}

/**
 * The steps of datasets line by line: what is not kept of a step takes no memory, however long the files are. Equal texts
 * and equal parts of steps are the same object.
 *
 * Datasets can be concatenated: a line that was read before is left out and counted.
 *
 * Iterating throws a UserError that names file and line of every line that is broken, of another schema or cut off, or says of a
 * measurement something else than an earlier line, and of files that cannot be read or hold no line. Behind the first broken line no more steps come, and the rest is only checked.
 */
export class DatasetReader implements StepSource {
  readonly #files: readonly string[];
  #place: Place | undefined;
  #repeated = 0;

  constructor(files: readonly string[]) {
    this.#files = files;
  }

  get place(): Place | undefined {
    return this.#place;
  }

  /** Lines so far that stood there before, letter by letter: each is read once. */
  get repeated(): number {
    return this.#repeated;
  }

  *[Symbol.iterator](): Generator<StepRun> {
    this.#repeated = 0;
    const measurements = new Measurements();
    const shared = new SharedParts();
    const repeated = new RepeatedLines();
    const readText = (text: string): StepRun | string => {
      const again = repeated.read(text);
      if (again !== null) return again;
      const run = readLine(text);
      if (typeof run !== 'string') repeated.keep(text, shared.in(run));
      return run;
    };
    const named: string[] = [];
    let count = 0;
    const wrong = (place: Place, what: string) => {
      count += 1;
      if (count <= MOST_NAMED) named.push(new UserError(what, place).message);
    };
    for (const file of this.#files) {
      let lines = 0;
      for (const { text, number, isWhole } of fileLines(file, 'give a dataset')) {
        lines = number;
        const place = { file, line: number };
        const result = isWhole ? readText(text) : 'the last line is cut off; collect it anew';
        if (typeof result === 'string') {
          wrong(place, result);
          continue;
        }
        const standing = measurements.add(result, text, { file, number });
        if (standing.is === 'other') wrong(place, otherText(result, standing.of));
        else if (standing.is === 'repeated') this.#repeated += 1;
        else if (count === 0) {
          this.#place = place;
          yield result;
        }
      }
      if (lines === 0) wrong({ file, line: 1 }, 'holds no step; collect it anew');
    }
    this.#place = undefined;
    if (count === 0) return;
    const more = count - named.length;
    throw new UserError(more > 0 ? `${named.join('\n')}\nand ${more} lines more` : named.join('\n'));
  }
}

function otherText({ node, cell, plan, mode }: StepRun, of: { file: string; number: number }): string {
  return (
    `says otherwise what ${of.file}:${of.number} says of the same measurement (${plan} of ${cell.id}, ${mode}, on ${node}); ` +
    'remove the one that is wrong'
  );
}

/** Keeps equal parts of steps once: a million lines name few cells, plans and devices. */
class SharedParts {
  readonly #parts = new Map<string, unknown>();

  /** Replaces the run's own parts; a copy of each of a million runs would take longer than reading it. */
  in(run: StepRun): StepRun {
    const text = <Text extends string>(of: Text): Text => this.#part(of, of);
    const part = <T>(of: T): T => this.#part(JSON.stringify(of), of);
    run.experiment = text(run.experiment);
    run.split = text(run.split);
    run.cell = part(run.cell);
    run.plan = text(run.plan);
    if (run.planFile !== undefined) run.planFile = part(run.planFile);
    run.mode = text(run.mode);
    run.place = text(run.place);
    run.transport = text(run.transport);
    run.fingerprint = text(run.fingerprint);
    run.stepProgram = text(run.stepProgram);
    run.device = part(run.device);
    if (run.node !== undefined) run.node = text(run.node);
    if (run.nodes !== undefined) run.nodes = part(run.nodes);
    if (run.gpus !== undefined) run.gpus = part(run.gpus);
    if (run.commit !== undefined) run.commit = text(run.commit);
    if (run.slurmJob !== undefined) run.slurmJob = text(run.slurmJob);
    run.libraries = text(run.libraries);
    run.runtime = text(run.runtime);
    run.startedAt = text(run.startedAt);
    return run;
  }

  #part<T>(key: string, value: T): T {
    const known = this.#parts.get(key);
    if (known !== undefined) return known as T;
    if (this.#parts.size < MOST_SHARED) this.#parts.set(key, value);
    return value;
  }
}

/** A dataset's text: one run a line. */
export function stepLines(runs: readonly StepRun[]): string {
  return [...eachStepLine(runs)].join('');
}

/** The same line by line, for datasets that are longer than one text can be. */
export function* eachStepLine(runs: readonly StepRun[]): Generator<string> {
  for (const run of runs) yield `${JSON.stringify(run)}\n`;
}

/** The run, or what is wrong with the line. */
function readLine(line: string): StepRun | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return `is not JSON: ${(error as Error).message}`;
  }
  const { schema, record } = (value ?? {}) as { schema?: unknown; record?: unknown };
  if (record !== undefined) {
    return 'is a record of a raw results file; make a dataset of it with `chunkflow experiment collect`';
  }
  if (schema !== 'chunkflow/steps@1') {
    return `schema: expected "chunkflow/steps@1", got ${shown(schema)}; collect it anew with this version`;
  }
  // Without the inputs of issues, which take twice the time: a line that does not fit is checked again.
  const result = stepRunFormat.safeParse(value);
  if (result.success) return result.data;
  const issue = stepRunFormat.safeParse(value, { reportInput: true }).error!.issues[0]!;
  return `${issue.path.join('.') || 'the line'}: ${issueText(issue)}`;
}

import { z } from 'zod';
import { fileLines } from '../../model/input/fileLines.ts';
import { type Place, shown, UserError } from '../../model/input/userError.ts';
import { planFormat } from '../../model/plan/planDocument.ts';
import { GUIDANCE_MODES } from '../../model/workload/workload.ts';

const bytes = z.number().min(0);
const seconds = z.number().min(0);

/** One measured plan of one cell of an experiment, in one mode: a line of a dataset. */
export const stepRunFormat = z.strictObject({
  schema: z.literal('chunkflow/steps@1'),
  experiment: z.string(),
  split: z.enum(['fit', 'held-out']).describe('whether a fit may read it'),
  cell: z.strictObject({
    id: z.string(),
    model: z.string(),
    size: z.string(),
    blocks: z.int().min(1).describe('blocks of a pass'),
    sp: z.int().min(1),
    tp: z.int().min(1),
    cfg: z.enum(GUIDANCE_MODES).optional().describe("guidance, where it is not the model's own"),
    machine: z.string(),
  }),
  plan: z.string(),
  planFile: planFormat.optional().describe('the plan itself, where no preset made it'),
  mode: z.enum(['eager', 'graph']),
  place: z.enum(['host', 'mirrored', 'real']),
  transport: z.string().describe('none for one rank'),
  fingerprint: z.string().describe('of the generated program that was measured'),
  stepProgram: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .describe('SHA-256 of the lowered StepProgram as JSON, its first 16 digits'),
  stepS: z.number().positive().describe('median of all recorded steps'),
  madS: seconds.describe('median of the absolute deviations from the median'),
  visitS: z.array(z.number().positive()).min(1).describe('median of each round'),
  steps: z.int().min(1).describe('recorded steps, all rounds together'),
  smHz: z.number().positive().nullable().describe('mean over the rounds; null where it was not sampled'),
  powerW: z.number().min(0).nullable().describe('likewise'),
  memory: z.strictObject({
    claimedBytes: bytes.describe('what the plan said the device would need'),
    deviceBytes: bytes.describe('the most that was in use'),
    pinnedBytes: bytes,
    claimedPinnedBytes: bytes,
  }),
  sameOutput: z.boolean().describe('the same bits as the first plan of the run'),
  segments: z
    .array(
      z.strictObject({
        name: z.string(),
        category: z.enum(['compute', 'collective', 'prefetch', 'staging', 'host', 'stall']),
        count: z.int().min(1),
        seconds,
      }),
    )
    .describe('rank 0 over one step; empty where no timeline was measured'),
  device: z.strictObject({ name: z.string(), driver: z.string(), cuda: z.string() }),
  libraries: z.string(),
  runtime: z.string().describe('hash of the runtime library; empty where the records do not say'),
  startedAt: z.string().describe('of the run'),
});

export type StepRun = z.output<typeof stepRunFormat>;

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
 * Iterating throws a UserError that names file and line of every line that is broken, of another schema or cut off, and of
 * files that cannot be read or hold no line. Behind the first broken line no more steps come, and the rest is only checked.
 */
export class DatasetReader implements StepSource {
  readonly #files: readonly string[];
  #place: Place | undefined;

  constructor(files: readonly string[]) {
    this.#files = files;
  }

  get place(): Place | undefined {
    return this.#place;
  }

  *[Symbol.iterator](): Generator<StepRun> {
    const shared = new SharedParts();
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
        const result = isWhole ? readLine(text) : 'the last line is cut off; collect it anew';
        if (typeof result === 'string') wrong(place, result);
        else if (count === 0) {
          this.#place = place;
          yield shared.in(result);
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
  return `${issue.path.join('.') || 'the line'}: ${issue.message}, got ${shown(issue.input)}`;
}

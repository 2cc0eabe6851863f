import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { shown, UserError } from '../../model/input/userError.ts';
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

/**
 * Reads datasets of measured steps, JSON Lines of `chunkflow/steps@1`.
 *
 * @throws UserError that names file and line of every line that is broken, of another schema or cut off, and files that
 * cannot be read or hold no line.
 */
export function readSteps(files: readonly string[]): StepRun[] {
  const problems: string[] = [];
  const runs = files.flatMap((file) => readDataset(file, problems));
  if (problems.length === 0) return runs;
  const more = problems.length - MOST_NAMED;
  const named = problems.slice(0, MOST_NAMED).join('\n');
  throw new UserError(more > 0 ? `${named}\nand ${more} lines more` : named);
}

/** A dataset's text: one run a line. */
export function stepLines(runs: readonly StepRun[]): string {
  return runs.map((run) => `${JSON.stringify(run)}\n`).join('');
}

function readDataset(file: string, problems: string[]): StepRun[] {
  const lines = textOf(file).split('\n');
  const rest = lines.pop()!;
  if (rest !== '') problems.push(`${file}:${lines.length + 1}: the last line is cut off; collect it anew`);
  if (lines.length === 0 && rest === '') problems.push(`${file}:1: holds no step; collect it anew`);
  return lines.flatMap((line, index) => {
    const result = readLine(line);
    if (typeof result !== 'string') return [result];
    problems.push(`${file}:${index + 1}: ${result}`);
    return [];
  });
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
  const result = stepRunFormat.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  return `${issue.path.join('.') || 'the line'}: ${issue.message}, got ${shown(issue.input)}`;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`${shown(file)}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

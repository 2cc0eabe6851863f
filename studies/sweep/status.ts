import { statSync } from 'node:fs';
import { z } from 'zod';
import { arraySpec } from '../../cluster/slurm/arraySpec.ts';
import type { PartFacts } from './part.ts';
import { partFacts } from './partFacts.ts';
import type { ResultsFolder } from './resultsFolder.ts';
import { submittedArrays } from './slurm/arrays.ts';
import { queueView, queueViewFormat } from './slurm/queueView.ts';
import type { Sweep } from './sweep.ts';
import { Tasks } from './tasks.ts';

const count = z.int().min(0);

/** What `chunkflow sweep --status --json` prints. */
export const sweepStatusFormat = z.strictObject({
  schema: z.literal('chunkflow/sweep-status@1'),
  sweep: z.string(),
  results: z.string(),
  points: z.strictObject({ all: count, done: count }),
  tasks: z.strictObject({
    all: count,
    done: count,
    missing: z.string().describe('numbers and ranges, as --tasks takes them; the first 1000 of them'),
    failed: z.array(z.strictObject({ task: count, error: z.string(), node: z.string(), at: z.string() })),
  }),
  rows: z
    .strictObject({ all: count, errors: count.describe('rows that say why there is no answer') })
    .describe('of the tasks that are done'),
  cpuS: z.number().min(0).describe('CPU time of all points that are done'),
  leftCpuS: z.number().min(0).nullable().describe('that the rest takes; null before the first task'),
  leftS: z
    .number()
    .min(0)
    .nullable()
    .describe('until all is done at the rate of the last minutes; null where none was done in them'),
  scheduler: queueViewFormat.nullable().describe('null where nothing was submitted'),
});

export type SweepStatus = z.output<typeof sweepStatusFormat>;

/** Tasks whose last minutes say how fast it goes now. */
const RECENT_MS = 5 * 60_000;
/** Missing tasks that are listed. */
const MOST_LISTED = 1000;

/** How far a sweep's results are. */
export function sweepStatus(sweep: Sweep, folder: ResultsFolder, nowMs = Date.now()): SweepStatus {
  const tasks = new Tasks(sweep.grids);
  const done = folder.done();
  const facts = done.map((task) => partFacts(folder.partFile(task)));
  const sum = (of: (fact: PartFacts) => number) => facts.reduce((all, fact) => all + of(fact), 0);
  const donePoints = sum(({ points }) => points);
  const cpuS = sum((fact) => fact.cpuS);
  const left = sweep.points - donePoints;
  return {
    schema: 'chunkflow/sweep-status@1',
    ...{ sweep: sweep.name, results: folder.path },
    points: { all: sweep.points, done: donePoints },
    tasks: {
      ...{ all: tasks.count, done: done.length, missing: arraySpec(missingOf(done, tasks.count)) },
      failed: folder.failures(),
    },
    rows: { all: sum(({ rows }) => rows), errors: sum(({ errors }) => errors) },
    cpuS,
    leftCpuS: donePoints === 0 ? null : (cpuS / donePoints) * left,
    leftS: left === 0 ? 0 : secondsLeft(folder, tasks, done, left, nowMs),
    scheduler: queueView(submittedArrays(folder.path), new Set(done)),
  };
}

function missingOf(done: readonly number[], count: number): number[] {
  const known = new Set(done);
  const missing: number[] = [];
  for (let task = 0; task < count && missing.length < MOST_LISTED; task += 1)
    if (!known.has(task)) missing.push(task);
  return missing;
}

/** By the points of the last minutes. */
function secondsLeft(
  folder: ResultsFolder,
  tasks: Tasks,
  done: readonly number[],
  left: number,
  nowMs: number,
): number | null {
  const ended = done.map((task) => ({ task, atMs: statSync(folder.partFile(task)).mtimeMs }));
  const recent = ended.filter(({ atMs }) => nowMs - atMs < RECENT_MS);
  if (recent.length < 2) return null;
  const firstMs = Math.min(...recent.map(({ atMs }) => atMs));
  // The first of them ends where the counted time begins.
  const points = recent
    .filter(({ atMs }) => atMs > firstMs)
    .reduce((all, { task }) => all + tasks.at(task).points, 0);
  const seconds = (nowMs - firstMs) / 1000;
  return points === 0 || seconds <= 0 ? null : left / (points / seconds);
}

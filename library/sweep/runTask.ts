import { columnsOf, type Row } from '../../studies/sweep/columns.ts';
import { type PartFacts, partBytes } from '../../studies/sweep/part.ts';
import { pointAt } from '../../studies/sweep/points.ts';
import type { Provenance } from '../../studies/sweep/provenance.ts';
import type { Sweep } from '../../studies/sweep/sweep.ts';
import type { Task } from '../../studies/sweep/tasks.ts';
import { threadSeconds } from '../../studies/sweep/threadTime.ts';
import type { SweepAnswers } from './answers.ts';

/** A task's part, not written yet. */
export interface AnsweredTask {
  bytes: Uint8Array;
  facts: PartFacts;
}

/** Answers the points of a task one after another. */
export async function answerTask(
  sweep: Sweep,
  answers: SweepAnswers,
  task: Task,
  provenance: Provenance,
  onPoint: () => void = () => {},
): Promise<AnsweredTask> {
  const startedS = threadSeconds();
  const rows: Row[] = [];
  for (let point = task.first; point < task.first + task.points; point += 1) {
    for (const row of await answers.rowsOf(pointAt(sweep, point))) rows.push(row);
    onPoint();
  }
  const own = { task: task.number, ...provenance, at: new Date().toISOString() };
  const facts: PartFacts = {
    ...{ sweep: sweep.hash, task: task.number, points: task.points, rows: rows.length },
    errors: rows.filter(({ error }) => error !== undefined).length,
    cpuS: threadSeconds() - startedS,
  };
  const columns = columnsOf(sweep.grids);
  return {
    bytes: partBytes(
      columns,
      rows.map((row) => ({ ...row, ...own })),
      facts,
    ),
    facts,
  };
}

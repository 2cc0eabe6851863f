import { UserError } from '../../../model/input/userError.ts';
import { countText, fixedText, percentText } from '../../../studies/numberText.ts';
import { provenanceOfProcess } from '../../../studies/sweep/provenance.ts';
import { ResultsFolder } from '../../../studies/sweep/resultsFolder.ts';
import type { QueueView } from '../../../studies/sweep/slurm/queueView.ts';
import { type SweepStatus, sweepStatus } from '../../../studies/sweep/status.ts';
import type { Sweep } from '../../../studies/sweep/sweep.ts';
import { jsonText, type Output } from '../../output.ts';
import { durationText } from '../../text/duration.ts';
import type { SweepFlags } from './command.ts';

/** Prints how far a sweep's results are; 1 where a task has failed. */
export function printStatus(sweep: Sweep, { results, json }: SweepFlags, output: Output): number {
  if (results === undefined)
    throw new UserError('--results is missing; give the folder whose status you want');
  ResultsFolder.read(results);
  const folder = ResultsFolder.open(results, sweep, provenanceOfProcess());
  const status = sweepStatus(sweep, folder);
  output.result(json === true ? jsonText(status) : statusText(status));
  return status.tasks.failed.length === 0 ? 0 : 1;
}

function statusText(status: SweepStatus): string {
  const { sweep, results, points, tasks, rows, cpuS, leftCpuS, leftS, scheduler } = status;
  const share = percentText(points.done / points.all);
  const lines = [
    `${sweep} in ${results}`,
    `points   ${fixedText(points.done, 0)} of ${fixedText(points.all, 0)} are answered (${share})`,
    `tasks    ${fixedText(tasks.done, 0)} of ${fixedText(tasks.all, 0)} are done${tasks.missing === '' ? '' : `; missing: ${shortened(tasks.missing)}`}`,
    `rows     ${countText(rows.all, 'row')}, ${fixedText(rows.errors, 0)} of them with an error`,
    `work     ${durationText(cpuS)} of CPU time so far`,
  ];
  if (points.done < points.all) lines.push(`left     ${leftText(leftCpuS, leftS)}`);
  for (const { task, error, node, at } of tasks.failed)
    lines.push(`failed   task ${task} on ${node}, ${at}: ${error.split('\n')[0]}`);
  if (scheduler !== null) lines.push(...schedulerLines(scheduler));
  return `${lines.join('\n')}\n`;
}

function leftText(cpuS: number | null, seconds: number | null): string {
  if (cpuS === null) return 'not known before the first task is done; --estimate answers a sample';
  const now =
    seconds === null
      ? 'nobody has worked on it in the last minutes'
      : `${durationText(seconds)} at the rate of the last minutes`;
  return `${durationText(cpuS)} of CPU time; ${now}`;
}

function schedulerLines({ jobs, pending, running, reasons, nodes, failed, away }: QueueView): string[] {
  if (away !== null) return [`queue    not known: ${away}`];
  const why = Object.entries(reasons).map(([reason, elements]) => `${reason} ${elements}`);
  const waiting = `${fixedText(pending, 0)} waiting${why.length > 0 ? ` (${why.join(', ')})` : ''}`;
  const at = `${fixedText(running, 0)} running${nodes.length > 0 ? ` on ${nodes.join(', ')}` : ''}`;
  return [
    `queue    job${jobs.length > 1 ? 's' : ''} ${jobs.join(', ')}: ${waiting}, ${at}`,
    ...failed.map(
      ({ job, element, state, tasksLeft }) =>
        `ended    ${job}_${element}: ${state}, ${countText(tasksLeft, 'task')} left; see slurm/logs/${job}_${element}.log`,
    ),
  ];
}

const MOST_CHARACTERS = 60;

function shortened(text: string): string {
  return text.length <= MOST_CHARACTERS
    ? text
    : `${text.slice(0, text.lastIndexOf(',', MOST_CHARACTERS))}, ...`;
}

import { UserError } from '../../../model/input/userError.ts';
import { countText } from '../../../studies/numberText.ts';
import { provenanceOfProcess } from '../../../studies/sweep/provenance.ts';
import { ResultsFolder } from '../../../studies/sweep/resultsFolder.ts';
import { keepJob, readArray } from '../../../studies/sweep/slurm/arrays.ts';
import { type Submitted, submitSweep } from '../../../studies/sweep/slurm/submitSweep.ts';
import { waitForSweep } from '../../../studies/sweep/slurm/waitForSweep.ts';
import type { Sweep } from '../../../studies/sweep/sweep.ts';
import { Tasks } from '../../../studies/sweep/tasks.ts';
import { slurmOptions } from '../../flags/slurm.ts';
import type { Output } from '../../output.ts';
import { ownProgram } from '../../ownProgram.ts';
import { startProgress } from '../../text/progress.ts';
import type { SweepFlags } from './command.ts';

/** Submits what a sweep's results lack; with --wait, waits for it. */
export async function submit(
  sweep: Sweep,
  results: string,
  chosen: readonly number[] | undefined,
  flags: SweepFlags,
  output: Output,
): Promise<number> {
  const folder = ResultsFolder.open(results, sweep, provenanceOfProcess());
  const submitted = submitSweep(sweep, folder, {
    options: slurmOptions(flags),
    program: ownProgram(),
    ...(chosen !== undefined && { tasks: chosen }),
    ...(flags.tasksPerElement !== undefined && { tasksPerElement: flags.tasksPerElement }),
  });
  output.result(submittedText(submitted));
  return flags.wait === true ? waitFor(sweep, folder, chosen, output) : 0;
}

function submittedText({ jobs, elements, tasks, done, queued }: Submitted): string {
  const parts = [
    tasks === 0
      ? 'nothing to submit'
      : `submitted ${countText(tasks, 'task')} in ${countText(elements, 'element')}: job${jobs.length > 1 ? 's' : ''} ${jobs.join(', ')}`,
    `${countText(done, 'task')} done`,
    `${countText(queued, 'task')} in the queue before`,
  ];
  return `${parts.join('; ')}\n`;
}

async function waitFor(
  sweep: Sweep,
  folder: ResultsFolder,
  chosen: readonly number[] | undefined,
  output: Output,
): Promise<number> {
  const tasks = new Tasks(sweep.grids);
  const all = chosen ?? Array.from({ length: tasks.count }, (_, task) => task);
  const progress = startProgress(output, 'tasks', all.length);
  const left = await waitForSweep(folder, all, (done) => {
    for (const _ of done) progress.advance();
  });
  progress.end();
  output.result(
    left.length === 0
      ? `${folder.path}: all ${countText(all.length, 'task')} are done\n`
      : `${folder.path}: ${countText(left.length, 'task')} are neither done nor in the queue; --status says why, --slurm submits them again\n`,
  );
  return left.length === 0 ? 0 : 1;
}

/** The tasks of the element of an array that this process is. @throws UserError outside of an array. */
export function tasksOfElement(arrayFile: string, env: NodeJS.ProcessEnv): readonly number[] {
  const { elements } = readArray(arrayFile);
  const { SLURM_ARRAY_JOB_ID: job, SLURM_ARRAY_TASK_ID: number } = env;
  if (job === undefined || number === undefined)
    throw new UserError(
      `--array ${arrayFile}: is for elements of a job array of Slurm; give --tasks instead`,
    );
  keepJob(arrayFile, job);
  const tasks = elements[Number(number)];
  if (tasks !== undefined) return tasks;
  throw new UserError(`--array ${arrayFile}: has no element ${number}; the last is ${elements.length - 1}`);
}

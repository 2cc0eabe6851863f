import { availableParallelism } from 'node:os';
import { runSweep, type SweepOutcome } from '../../../library/sweep/runSweep.ts';
import { UserError } from '../../../model/input/userError.ts';
import { formatOf } from '../../../studies/numberText.ts';
import { readSweep, type Sweep } from '../../../studies/sweep/sweep.ts';
import { Tasks, taskNumbers } from '../../../studies/sweep/tasks.ts';
import { refuseWithoutSlurm } from '../../flags/slurm.ts';
import type { Output } from '../../output.ts';
import { startProgress } from '../../text/progress.ts';
import type { SweepFlags } from './command.ts';
import { printEstimate } from './estimate.ts';
import { submit, tasksOfElement } from './slurm.ts';
import { printStatus } from './status.ts';

const whole = (value: number) => formatOf(0).format(value);

/** Answers a sweep, or says how far it is or what it takes. */
export async function run(file: string, flags: SweepFlags, output: Output): Promise<number> {
  refuseIdle(flags);
  if (flags.status === true) return printStatus(readSweep(file, true), flags, output);
  // Whoever submitted an element has looked its names up.
  const sweep = readSweep(file, flags.array !== undefined);
  if (flags.estimate === true) return printEstimate(sweep, flags, output);
  const { results, jobs } = flags;
  if (results === undefined) throw new UserError('--results is missing; give a folder, new or of this sweep');
  const tasks = chosenTasks(sweep, flags);
  if (flags.slurm === true) return submit(sweep, results, tasks, flags, output);
  const outcome = await runSweep(sweep, {
    results,
    jobs: jobs ?? availableParallelism(),
    ...(tasks !== undefined && { tasks }),
    onNote: (text) => output.diagnostic(`${text}\n`),
    watch: (total) => startProgress(output, 'points', total),
  });
  printOutcome(outcome, output);
  return outcome.failed.length === 0 ? 0 : 1;
}

function chosenTasks(sweep: Sweep, { tasks, array }: SweepFlags): readonly number[] | undefined {
  if (array !== undefined) return tasksOfElement(array, process.env);
  return tasks === undefined ? undefined : taskNumbers(tasks, new Tasks(sweep.grids).count);
}

function refuseIdle(flags: SweepFlags): void {
  const { status, estimate, seed, json, tasks, tasksPerElement, slurm, jobs } = flags;
  refuseWithoutSlurm(flags);
  if (tasksPerElement !== undefined && slurm !== true)
    throw new UserError(`--tasks-per-element ${tasksPerElement}: is of --slurm; leave it out`);
  if (slurm === true && jobs !== undefined)
    throw new UserError(`--jobs ${jobs}: is of this machine; for cores of a job give --cpus-per-task`);
  if (slurm === true && (status === true || estimate === true))
    throw new UserError('--slurm: nothing is submitted with --status or --estimate; leave one out');
  if (status === true && estimate === true) throw new UserError('--status --estimate: give one of them');
  if (seed !== undefined && estimate !== true)
    throw new UserError(`--seed ${seed}: is of --estimate's sample; leave it out`);
  if (json === true && status !== true && estimate !== true)
    throw new UserError('--json: is of --status and --estimate; for results as JSON, ask `chunkflow query`');
  if (tasks !== undefined && (status === true || estimate === true))
    throw new UserError(`--tasks ${tasks}: nothing is answered here; leave it out`);
}

function printOutcome({ folder, asked, before, done, errors, failed }: SweepOutcome, output: Output): void {
  for (const { task, error } of failed) output.diagnostic(`task ${task} failed: ${error}\n`);
  const { path, manifest } = folder;
  const here = folder.done().length;
  const parts = [
    `${path}: ${whole(here)} of ${whole(manifest.tasks)} tasks are done`,
    ...(before > 0 && before < asked ? [`${whole(before)} were before`] : []),
    ...(before === asked ? ['nothing was left to do'] : []),
    ...(errors > 0 ? [`${whole(errors)} new rows have an error`] : []),
    ...(failed.length > 0 ? [`${whole(failed.length)} failed`] : []),
  ];
  output.result(`${parts.join('; ')}\n`);
  if (done > 0 || before === asked) output.result(`chunkflow query ${path} says what is in them\n`);
}

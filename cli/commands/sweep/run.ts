import { availableParallelism } from 'node:os';
import { runSweep, type SweepOutcome } from '../../../library/sweep/runSweep.ts';
import { UserError } from '../../../model/input/userError.ts';
import { formatOf } from '../../../studies/numberText.ts';
import { readSweep } from '../../../studies/sweep/sweep.ts';
import { Tasks, taskNumbers } from '../../../studies/sweep/tasks.ts';
import type { Output } from '../../output.ts';
import { startProgress } from '../../text/progress.ts';
import type { SweepFlags } from './command.ts';
import { printEstimate } from './estimate.ts';
import { printStatus } from './status.ts';

const whole = (value: number) => formatOf(0).format(value);

/** Answers a sweep, or says how far it is or what it takes. */
export async function run(file: string, flags: SweepFlags, output: Output): Promise<number> {
  refuseIdle(flags);
  if (flags.status === true) return printStatus(readSweep(file, true), flags, output);
  const sweep = readSweep(file);
  if (flags.estimate === true) return printEstimate(sweep, flags, output);
  const { results, jobs, tasks } = flags;
  if (results === undefined) throw new UserError('--results is missing; give a folder, new or of this sweep');
  const outcome = await runSweep(sweep, {
    results,
    jobs: jobs ?? availableParallelism(),
    ...(tasks !== undefined && { tasks: taskNumbers(tasks, new Tasks(sweep.grids).count) }),
    onNote: (text) => output.diagnostic(`${text}\n`),
    watch: (total) => startProgress(output, 'points', total),
  });
  printOutcome(outcome, output);
  return outcome.failed.length === 0 ? 0 : 1;
}

function refuseIdle({ status, estimate, seed, json, tasks }: SweepFlags): void {
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

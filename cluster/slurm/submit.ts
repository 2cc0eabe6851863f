import { UserError } from '../../model/input/userError.ts';
import { type ArrayJob, batchScript } from './batchScript.ts';
import { slurm } from './client.ts';

/** Submits an array. @returns the number of the job. @throws UserError with Slurm's own words where it refuses. */
export function submitArray(job: ArrayJob): string {
  const answer = slurm('sbatch', ['--parsable'], batchScript(job)).trim();
  // Of several clusters the name follows the number.
  const [id] = answer.split(';');
  if (id === undefined || !/^\d+$/.test(id))
    throw new UserError(`sbatch: expected a job's number, got ${JSON.stringify(answer)}`);
  return id;
}

/** The largest number that an element of an array may have, by the cluster's MaxArraySize. */
export function largestElement(): number {
  const match = /^MaxArraySize\s*=\s*(\d+)$/m.exec(slurm('scontrol', ['show', 'config']));
  // A cluster that does not say it has Slurm's default.
  return Number(match?.[1] ?? 1001) - 1;
}

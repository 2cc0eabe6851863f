import { spawnSync } from 'node:child_process';
import { UserError } from '../../model/input/userError.ts';

/** Slurm's clients that are used here. */
export type SlurmClient = 'sbatch' | 'squeue' | 'scontrol' | 'sinfo';

/** More than the queue of the largest clusters prints. */
const LONGEST_OUTPUT_BYTES = 256 * 2 ** 20;

/** The controller could not be asked. It may answer later; what was submitted runs on without it. */
export class SchedulerAway extends UserError {}

/** What a client says where the controller does not answer, in the versions from 20 to 24. */
const AWAY =
  /Unable to contact slurm controller|Socket timed out|Connection refused|Zero Bytes were transmitted|Slurm backup controller in standby|slurm_load_jobs error: Connection/i;

/**
 * Runs one of Slurm's clients and returns what it prints.
 *
 * @param input for its standard input, such as a job's script.
 * @throws SchedulerAway where the controller does not answer, UserError with the client's own words where it refuses.
 */
export function slurm(client: SlurmClient, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(client, args, {
    input,
    encoding: 'utf8',
    maxBuffer: LONGEST_OUTPUT_BYTES,
    // Times are then the same text everywhere.
    env: { ...process.env, SLURM_TIME_FORMAT: '%Y-%m-%dT%H:%M:%S%z' },
  });
  if (error !== undefined) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(
      code === 'ENOENT'
        ? `${client} is not on the PATH; start this on a machine that submits jobs to Slurm, or leave --slurm out`
        : `${client}: could not be started (${code})`,
    );
  }
  if (status === 0) return stdout;
  const said = stderr.trim().split('\n').at(-1) || `it ended with exit code ${status}`;
  if (AWAY.test(stderr)) throw new SchedulerAway(`${client}: ${said}; try again when the controller answers`);
  throw new UserError(`${client}: ${said}`);
}

import { runElement } from '../../../studies/jobs/element.ts';
import type { Output } from '../../output.ts';

/** Does the work of one element. Returns the exit code: 1 when something of it failed. */
export async function run(file: string, _flags: object, output: Output): Promise<number> {
  const failures = await runElement(file, (text) => output.diagnostic(`${text}\n`));
  // What is said last is what --slurm shows of a failed element.
  for (const { id, why } of failures) output.diagnostic(`error: ${id}: ${why}\n`);
  return failures.length === 0 ? 0 : 1;
}

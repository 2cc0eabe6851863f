import type { Output } from '../../output.ts';
import type { ValidateFlags } from './command.ts';

/** Predicts measured steps of generated programs or, with profiles, of attached models. Returns the exit code. */
export async function run(files: readonly string[], flags: ValidateFlags, output: Output): Promise<number> {
  const { profiles } = flags;
  return profiles === undefined
    ? (await import('./datasets.ts')).validateDatasets(files, flags, output)
    : (await import('./attached.ts')).validateAttached(files, { ...flags, profiles }, output);
}

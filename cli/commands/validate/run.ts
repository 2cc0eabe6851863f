import { UserError } from '../../../model/input/userError.ts';
import type { Output } from '../../output.ts';
import type { ValidateFlags } from './command.ts';

/** In place of datasets: step times of other cards and tools. A file of this name is `./published-steps`. */
const PUBLISHED_STEPS_NAME = 'published-steps';

/** In place of datasets: nccl-tests between hosts. A file of this name is `./published-collectives`. */
const PUBLISHED_COLLECTIVES_NAME = 'published-collectives';

/** Predicts measured steps of generated programs or, with profiles, of attached models. Returns the exit code. */
export async function run(files: readonly string[], flags: ValidateFlags, output: Output): Promise<number> {
  const { profiles } = flags;
  if (files.includes(PUBLISHED_STEPS_NAME))
    return (await import('./publishedSteps.ts')).validatePublishedSteps(files, flags, output);
  refuseOtherFlags(flags);
  if (files.includes(PUBLISHED_COLLECTIVES_NAME))
    return (await import('./publishedCollectives.ts')).validatePublishedCollectives(files, flags, output);
  if (profiles !== undefined && flags.by !== undefined)
    throw new UserError(`--by ${flags.by}: steps of attached models do not say their node; leave it out`);
  return profiles === undefined
    ? (await import('./datasets.ts')).validateDatasets(files, flags, output)
    : (await import('./attached.ts')).validateAttached(files, { ...flags, profiles }, output);
}

function refuseOtherFlags({ folder, commands }: ValidateFlags): void {
  for (const [flag, value] of [
    ['--folder', folder],
    ['--commands', commands],
  ])
    if (value !== undefined)
      throw new UserError(`${flag}: is of \`validate ${PUBLISHED_STEPS_NAME}\`; leave it out`);
}

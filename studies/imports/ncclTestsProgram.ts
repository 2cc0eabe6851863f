import { COLLECTIVE_KINDS, type CollectiveKind } from '../../model/dit/kinds.ts';
import { shown, UserError } from '../../model/input/userError.ts';

/** Programs of nccl-tests by the name that their output gives, without `_perf`. */
const PROGRAMS: Readonly<Record<string, CollectiveKind>> = {
  alltoall: 'all-to-all',
  all_gather: 'all-gather',
  all_reduce: 'all-reduce',
};

/**
 * The collective of an output.
 *
 * @param program as the output names it, `./build/alltoall_perf`; undefined where it does not, as before version 2.16 or so.
 * @param given what the user says of outputs without a name.
 * @throws UserError for another program, for an output that is not of the given one, and where neither says it.
 */
export function collectiveOf(
  program: string | undefined,
  given: CollectiveKind | undefined,
  place: { file: string; line: number },
): CollectiveKind {
  const named = program === undefined ? undefined : collectiveNamed(program, place);
  if (named !== undefined && given !== undefined && named !== given)
    throw new UserError(`the output is of an ${named}, not of an ${given} as asked for`, place);
  const kind = named ?? given;
  if (kind !== undefined) return kind;
  throw new UserError(
    `the output does not name its program; say which it is by --collective ${COLLECTIVE_KINDS.join(', ').replace(/, ([^,]*)$/, ' or $1')}`,
    place,
  );
}

function collectiveNamed(name: string, place: { file: string; line: number }): CollectiveKind {
  const [, stem = ''] = /([a-z_]+)_perf/.exec(name) ?? [];
  if (Object.hasOwn(PROGRAMS, stem)) return PROGRAMS[stem]!;
  const known = Object.keys(PROGRAMS).map((program) => `${program}_perf`);
  throw new UserError(`program ${shown(name)}: expected one of ${known.join(', ')}`, place);
}

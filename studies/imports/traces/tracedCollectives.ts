import type { CollectiveKind } from '../../../model/dit/kinds.ts';
import { shown, UserError } from '../../../model/input/userError.ts';
import type { ProfiledCollective } from '../../../model/workload/profiledFormat.ts';
import type { TimedPass, TimedRun } from './tracedWindows.ts';
import type { TraceFacts } from './traceFacts.ts';

/** Ranks that meet in the blocks' collectives, which must be the same for all. */
export function ranksOf(passes: readonly TimedPass[], { ranks }: TraceFacts, file: string): number {
  const collectives = passes.flatMap((pass) => pass.runs.flatMap((run) => run.collectives));
  const sizes = [...new Set(collectives.flatMap(({ message }) => message?.groupSize ?? []))];
  if (sizes.length > 1)
    throw new UserError(
      `blocks have collectives of ${sizes.sort((a, b) => a - b).join(' and ')} ranks; a profile is of one group`,
      { file },
    );
  const [size] = sizes;
  if (size !== undefined && ranks !== undefined && size !== ranks)
    throw new UserError(`--ranks ${ranks}: the trace's collectives are of ${size} ranks; leave it out`, {
      file,
    });
  if (collectives.length === 0) {
    if (ranks !== undefined && ranks > 1)
      throw new UserError(`--ranks ${ranks}: the trace's blocks have no collectives; leave it out`, { file });
    return 1;
  }
  const found = size ?? ranks;
  if (found === undefined)
    throw new UserError('the trace does not say how many ranks meet in its collectives; give --ranks', {
      file,
    });
  if (found === 1) throw new UserError('the collectives are of one rank; expected at least 2', { file });
  return found;
}

/** A block's collectives in order: what every pass has there, with its bytes by the trace or as they are given. */
export function collectivesOf(
  timed: readonly TimedRun[],
  ranks: number,
  facts: TraceFacts,
  file: string,
): ProfiledCollective[] {
  const [first] = timed;
  for (const { run, collectives } of timed) {
    const kinds = (of: TimedRun['collectives']) =>
      of.map(({ kind, message }) => `${kind} ${message?.inputBytes}`);
    const [own, others] = [kinds(collectives), kinds(first!.collectives)];
    if (own.join() !== others.join())
      throw new UserError(
        `${shown(run.range.name)}: has collectives of its own in one pass (${own.join(', ') || 'none'}) and others in another (${others.join(', ') || 'none'}); record passes that are alike`,
        { file },
      );
  }
  const given = facts.collectives;
  return first!.collectives.map(({ kind, message }, place) => {
    const inputBytes = message?.inputBytes ?? givenBytes(given, kind, place, first!, file);
    return messageBytes(kind, inputBytes, ranks);
  });
}

function givenBytes(
  given: TraceFacts['collectives'],
  kind: CollectiveKind,
  place: number,
  { run, collectives }: TimedRun,
  file: string,
): number {
  const found = collectives.map((one) => one.kind).join(', ');
  const block = shown(run.range.name);
  if (given === undefined)
    throw new UserError(
      `the trace does not say the bytes of its collectives (${block} has ${found}); give --collective-bytes ${kind}=SIZE of each rank's input for each of them in order, or record with PyTorch's profiler of 2.3 or later`,
      { file },
    );
  const own = given[place];
  if (own === undefined || own.kind !== kind || given.length !== collectives.length)
    throw new UserError(
      `--collective-bytes ${given.map((one) => one.kind).join(', ')}: ${block} has ${found}; give one for each in order`,
      { file },
    );
  return own.inputBytes;
}

/** What leaves a rank, as a workload counts it, and its buffers; an all-reduce works in place. */
function messageBytes(kind: CollectiveKind, inputBytes: number, ranks: number): ProfiledCollective {
  switch (kind) {
    case 'all-to-all':
      return { kind, sentBytes: Math.round((inputBytes * (ranks - 1)) / ranks), bufferBytes: 2 * inputBytes };
    case 'all-gather':
      return { kind, sentBytes: inputBytes * (ranks - 1), bufferBytes: inputBytes * (1 + ranks) };
    case 'all-reduce':
      return { kind, sentBytes: Math.round((2 * inputBytes * (ranks - 1)) / ranks), bufferBytes: inputBytes };
  }
}

/** Whether two blocks have the same collectives, whatever they take. */
export function sameCalls(
  some: readonly ProfiledCollective[],
  others: readonly ProfiledCollective[],
): boolean {
  return (
    some.length === others.length &&
    some.every(({ kind, sentBytes, bufferBytes }, place) => {
      const other = others[place]!;
      return kind === other.kind && sentBytes === other.sentBytes && bufferBytes === other.bufferBytes;
    })
  );
}

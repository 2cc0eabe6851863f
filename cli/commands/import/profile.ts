import { closeSync, openSync, readSync } from 'node:fs';
import { COLLECTIVE_KINDS, type CollectiveKind } from '../../../model/dit/kinds.ts';
import { bytesOf, secondsOf } from '../../../model/input/givenQuantity.ts';
import { shown, UserError } from '../../../model/input/userError.ts';
import { readKinetoTrace } from '../../../studies/imports/traces/kinetoTrace.ts';
import { readNsysTrace } from '../../../studies/imports/traces/nsysTrace.ts';
import type { TraceFacts } from '../../../studies/imports/traces/traceFacts.ts';
import { traceProfile } from '../../../studies/imports/traces/traceProfile.ts';
import { writeWholeFile } from '../../files/wholeFile.ts';
import { jsonText, type Output } from '../../output.ts';
import type { ImportProfileFlags } from './command.ts';

/** Makes a profile of a trace of PyTorch's profiler or of Nsight Systems. */
export function importProfile(file: string, flags: ImportProfileFlags, output: Output): void {
  const facts = factsOf(flags);
  const trace = isSqlite(file) ? readNsysTrace(file) : readKinetoTrace(file);
  const { profile, notes } = traceProfile(trace, facts);
  const text = jsonText(profile);
  if (flags.out === undefined) output.result(text);
  else writeWholeFile(flags.out, text);
  for (const note of notes) output.diagnostic(`note: ${note}\n`);
  if (flags.out !== undefined)
    output.diagnostic(`wrote ${flags.out}; predict, simulate and plan take it as --profile ${flags.out}\n`);
}

const SQLITE_HEADER = 'SQLite format 3\0';

function isSqlite(file: string): boolean {
  const start = Buffer.alloc(SQLITE_HEADER.length);
  try {
    const descriptor = openSync(file, 'r');
    try {
      readSync(descriptor, start);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`cannot be read (${code}); give the path of a trace`, { file });
  }
  return start.toString('latin1') === SQLITE_HEADER;
}

function factsOf({
  blocks,
  weightBytes = [],
  outsideBytes,
  activationBytes,
  outsideTime,
  collectiveBytes,
  ranks,
  passes,
  id,
}: ImportProfileFlags): TraceFacts {
  if (id !== undefined && !/^[a-z0-9.-]{1,100}$/.test(id))
    throw new UserError(
      `--id ${shown(id)}: expected at most 100 small letters, digits, dots and dashes; plans call the model so`,
    );
  return {
    ...(blocks !== undefined && { blocks: namesOf(blocks) }),
    weightBytes: weightsOf(weightBytes),
    ...(outsideBytes !== undefined && { outsideBytes: bytesOf('--outside-bytes', outsideBytes) }),
    ...(activationBytes !== undefined && { activationBytes: bytesOf('--activation-bytes', activationBytes) }),
    ...(outsideTime !== undefined && { outsideS: secondsOf('--outside-time', outsideTime, '4ms') }),
    ...(ranks !== undefined && { ranks }),
    ...(passes !== undefined && { passes }),
    ...(id !== undefined && { id }),
    ...(collectiveBytes !== undefined && { collectives: collectiveBytes.map(collectiveOf) }),
  };
}

function namesOf(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name !== '') && new Set(names).size === names.length) return names;
  throw new UserError(`--blocks ${shown(text)}: expected different names of lists, such as A,B`);
}

function weightsOf(texts: readonly string[]): Map<string, number> {
  const weights = new Map<string, number>();
  for (const text of texts) {
    const at = text.lastIndexOf('=');
    const list = at < 0 ? '' : text.slice(0, at);
    if (weights.has(list))
      throw new UserError(`--weight-bytes ${shown(text)}: is given twice; leave one out`);
    weights.set(list, bytesOf('--weight-bytes', text.slice(at + 1), 1));
  }
  return weights;
}

function collectiveOf(text: string): { kind: CollectiveKind; inputBytes: number } {
  const [name = '', size = '', ...more] = text.split('=');
  const kind = COLLECTIVE_KINDS.find((known) => known === name);
  if (kind === undefined || more.length > 0)
    throw new UserError(
      `--collective-bytes ${shown(text)}: expected ${COLLECTIVE_KINDS.join(', ').replace(/, ([^,]*)$/, ' or $1')}=SIZE`,
    );
  return { kind, inputBytes: bytesOf('--collective-bytes', size, 1) };
}

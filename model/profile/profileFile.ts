import { files } from '../input/files.ts';
import { parseJson } from '../input/jsonFile.ts';
import { shown, UserError } from '../input/userError.ts';
import { checked, type YamlFile } from '../input/yamlFile.ts';
import { MOST_BLOCKS } from '../workload/profiledFormat.ts';
import { PROFILE_SCHEMA, type Profile, type ProfileKind, profileFormat } from './profileFormat.ts';

const REMEDY = 'make it anew with chunkflow_offload.profile';

/** A profile has a line for each tensor of each kind of block: the largest that we know has some hundred kilobytes. */
const MOST_BYTES = 32 * 1024 * 1024;

/** A profile that was read, with the way back to where its values stand. */
export interface ProfileSource {
  profile: Profile;
  source: YamlFile;
}

/**
 * Reads a profile and checks what its parts say of each other.
 *
 * @throws UserError with the place of the first thing that does not fit.
 */
export function readProfile(file: string): ProfileSource {
  return parseProfile(file, textOf(file));
}

/** As readProfile, for text that is already in memory; `file` is only for messages. */
export function parseProfile(file: string, text: string): ProfileSource {
  const source = parseJson(file, text, REMEDY);
  refuseOtherSchema(source);
  const profile = checked(source, profileFormat);
  checkProfile(profile, source);
  return { profile, source };
}

function textOf(file: string): string {
  const attempt = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new UserError(`cannot be read (${code}); give a profile that chunkflow_offload.profile wrote`, {
        file,
      });
    }
  };
  const { bytes } = attempt(() => files.status(file));
  if (bytes > MOST_BYTES)
    throw new UserError(`the file has ${bytes} bytes, expected at most ${MOST_BYTES}; is it a profile?`, {
      ...{ file, line: 1, column: 1 },
    });
  return attempt(() => files.text(file));
}

/** A file of another format has unknown keys as well, which would say less. */
function refuseOtherSchema(source: YamlFile): void {
  const { schema } = (source.value ?? {}) as { schema?: unknown };
  if (typeof schema !== 'string' || schema === PROFILE_SCHEMA) return;
  throw new UserError(
    `schema: expected ${PROFILE_SCHEMA}, got ${shown(schema)}; is it a profile?`,
    source.place(['schema']),
  );
}

/** What no schema can say: that the parts of a profile belong together. */
function checkProfile(profile: Profile, source: YamlFile): void {
  const refuse = (path: readonly PropertyKey[], message: string): never => {
    throw new UserError(`${path.map(String).join('.')}: ${message}`, source.place(path));
  };
  for (const [index, kind] of profile.kinds.entries()) {
    const wrong = wrongWithKind(kind, profile.step.ranks);
    if (wrong !== null) refuse(['kinds', index, ...wrong.path], wrong.message);
  }
  const used = new Set<number>();
  const listed = new Map<string, Map<number, number>>();
  let count = 0;
  for (const [run, { container, first, count: times, kind }] of profile.blocks.entries()) {
    const last = profile.kinds.length - 1;
    if (kind > last)
      refuse(['blocks', run, 'kind'], `expected a place in kinds, from 0 to ${last}, got ${kind}`);
    count += times;
    if (count > MOST_BLOCKS)
      refuse(['blocks', run, 'count'], `more than ${MOST_BLOCKS} blocks in a pass; is the file damaged?`);
    const runsOf = listed.get(container) ?? new Map<number, number>();
    listed.set(container, runsOf);
    for (let index = first; index < first + times; index += 1) {
      const before = runsOf.get(index);
      if (before !== undefined)
        refuse(['blocks', run, 'first'], `${shown(container)} ${index} is also one of blocks.${before}`);
      runsOf.set(index, run);
    }
    used.add(kind);
  }
  for (const index of profile.kinds.keys())
    if (!used.has(index)) refuse(['kinds', index], 'no block is of this kind; take it out');
}

interface Wrong {
  path: readonly PropertyKey[];
  message: string;
}

function wrongWithKind(
  { weightBytes, tensors, windows, collectives }: ProfileKind,
  ranks: number,
): Wrong | null {
  if (ranks === 1 && collectives.length > 0)
    return {
      path: ['collectives'],
      message: `one rank has no collectives, got ${collectives.length}; step.ranks is the ranks that meet in them`,
    };
  if (windows.length !== collectives.length + 1)
    return {
      path: ['windows'],
      message: `expected ${collectives.length + 1}, one more than collectives, got ${windows.length}`,
    };
  return wrongWithTensors(tensors, weightBytes);
}

function wrongWithTensors(tensors: ProfileKind['tensors'], weightBytes: number): Wrong | null {
  const names = new Map<string, number>();
  for (const [index, { name, offset, bytes }] of tensors.entries()) {
    const before = names.get(name);
    if (before !== undefined)
      return {
        path: ['tensors', index, 'name'],
        message: `${shown(name)} is also the name of tensors.${before}`,
      };
    names.set(name, index);
    if (offset + bytes > weightBytes)
      return {
        path: ['tensors', index, 'bytes'],
        message: `ends at ${offset + bytes}, behind the ${weightBytes} bytes of the block`,
      };
  }
  const order = [...tensors.keys()]
    .filter((index) => tensors[index]!.bytes > 0)
    .sort((a, b) => tensors[a]!.offset - tensors[b]!.offset || a - b);
  for (let place = 1; place < order.length; place += 1) {
    const before = tensors[order[place - 1]!]!;
    const { name, offset } = tensors[order[place]!]!;
    if (before.offset + before.bytes > offset)
      return {
        path: ['tensors', order[place]!, 'offset'],
        message: `${shown(name)} begins at ${offset}, within ${shown(before.name)}, which ends at ${before.offset + before.bytes}`,
      };
  }
  return null;
}

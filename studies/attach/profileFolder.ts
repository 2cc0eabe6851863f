import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../model/input/userError.ts';
import { parseProfile } from '../../model/profile/profileFile.ts';
import type { Profile } from '../../model/profile/profileFormat.ts';

/** A profile of a folder. */
export interface FiledProfile {
  file: string;
  sha256: string;
  profile: Profile;
}

/**
 * The profiles of a folder, `*.profile.json`, by the id of their model.
 *
 * @throws UserError for a folder that cannot be read or has none, for two profiles of one id, and for a profile that is not right.
 */
export function profilesOf(folder: string): Map<string, FiledProfile> {
  const profiles = new Map<string, FiledProfile>();
  for (const name of namesIn(folder)) {
    const file = join(folder, name);
    const text = readFileSync(file, 'utf8');
    const { profile } = parseProfile(file, text);
    const { id } = profile.model;
    const other = profiles.get(id);
    if (other !== undefined)
      throw new UserError(`model.id: ${id} is also the model of ${other.file}; take one of them out`, {
        file,
      });
    profiles.set(id, { file, sha256: createHash('sha256').update(text).digest('hex'), profile });
  }
  return profiles;
}

function namesIn(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new UserError(
      `--profiles ${folder}: cannot be read (${(error as NodeJS.ErrnoException).code}); give the folder of the profiles`,
    );
  }
  const profiles = names.filter((name) => name.endsWith('.profile.json')).sort();
  if (profiles.length === 0) throw new UserError(`--profiles ${folder}: holds no *.profile.json`);
  return profiles;
}

import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { shown, UserError } from '../../model/input/userError.ts';

const SITE = join(packageRoot, 'dist', 'explorer', 'site');

/**
 * The folder of the explorer's static files.
 *
 * @throws UserError where they were not built.
 */
export function siteFolder(): string {
  if (existsSync(join(SITE, 'index.html'))) return SITE;
  throw new UserError('the explorer is not built; run `npm run build` in a checkout of ChunkFlow');
}

/**
 * Copies the static files to where they are to be hosted from.
 *
 * @throws UserError for a folder that holds anything else, and for one that cannot be written.
 */
export function copySite(folder: string): void {
  const site = siteFolder();
  const own = readdirSync(site);
  try {
    mkdirSync(folder, { recursive: true });
    const other = readdirSync(folder).find((name) => !own.includes(name));
    if (other !== undefined)
      throw new UserError(
        `--out ${shown(folder)}: holds ${shown(other)}; give a new folder, or an empty one`,
      );
    for (const name of own) cpSync(join(site, name), join(folder, name));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `--out ${shown(folder)}: cannot be written (${(error as NodeJS.ErrnoException).code}); give another folder`,
    );
  }
}
